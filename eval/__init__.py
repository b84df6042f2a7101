"""Scores of runs: retrieval, text, facts and citations, with confidence and significance."""
