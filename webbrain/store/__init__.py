"""The index on disk: the only reader of the format."""
