"""Rankings of an index's passages: bm25, dense and their fusion, then the topic filter."""
