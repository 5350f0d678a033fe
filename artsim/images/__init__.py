"""Pictures: decoding, geometry, thumbnails."""
