"""Build a collection, and publish it if told to: `artsim build` for a clone."""

import _clone  # noqa: F401

from artsim.cli.main import entry

if __name__ == "__main__":
    entry("build")
