"""Analyses of works and matches: explanations, duplicates, influence, paths."""
