"""Works from any museum that publishes IIIF manifests (https://iiif.io/api/presentation/, versions 2 and 3)."""
