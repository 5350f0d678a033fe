"""What can be said about works and matches: explanations, duplicates, influence, paths."""
