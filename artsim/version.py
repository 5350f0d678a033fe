"""The version of the package, alone in a file so that nothing heavy is imported to read it."""

VERSION = "0.1.0"
