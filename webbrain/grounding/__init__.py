"""Does a passage say what a sentence claims? Sentence splitting, facts, and support scores."""
