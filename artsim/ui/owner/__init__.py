"""Owner tools: the page `/collection` and its JSON routes to add, edit, remove, save and publish works."""
