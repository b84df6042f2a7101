"""Dataset builders: sources become WebBrain-G (writing) and WebBrain-R (retrieval), then packed training data."""
