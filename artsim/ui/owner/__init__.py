"""The owner's page: add, edit, remove, save and publish works."""
