"""From corpus files to a published index: read, clean, fold duplicates, chunk, encode, shard, publish."""
