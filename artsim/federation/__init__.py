"""Federated search: several collections, each a folder or a dataset on the Hub, are searched at once, and answer in one list."""
