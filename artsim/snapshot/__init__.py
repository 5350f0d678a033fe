"""The immutable state of a collection: spaces, map, facets and filters; opening, editing and saving it."""
