"""What an index past this machine would take: disk, memory, time, shards and cost, from measured constants."""
