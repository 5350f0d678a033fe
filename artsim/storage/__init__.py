"""The files of a collection: column groups, manifest, dataset card."""
