"""The embedding pipeline: pictures -> vectors, for builds, own collections and the API."""
