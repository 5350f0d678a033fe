"""The immutable state of a collection: works, spaces, map, filters; how it is opened, changed and saved."""
