"""Works from a dataset on the Hub, whatever columns and files it consists of."""
