"""The search page: query panel, fields, results and detail dialog."""
