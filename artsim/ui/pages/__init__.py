"""The pages beside the search."""
