"""Resumable builds of a collection from a source."""
