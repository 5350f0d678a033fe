"""Message templates and their translations into six languages."""
