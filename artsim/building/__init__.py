"""Builds: source to collection, resumable."""
