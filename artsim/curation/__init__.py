"""Change a collection while the app runs: uploads, ingest, edit session, library."""
