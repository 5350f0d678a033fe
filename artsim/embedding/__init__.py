"""Pictures to vectors, for build, own collection and API."""
