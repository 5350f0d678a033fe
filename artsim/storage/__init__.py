"""The files of a collection: parquet shards, manifest, dataset card."""
