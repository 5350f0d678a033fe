"""The pages beside the search: a registry, the shared layout, and one module per page."""
