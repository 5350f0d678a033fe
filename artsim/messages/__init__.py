"""Message templates, and the six languages that the app speaks."""
