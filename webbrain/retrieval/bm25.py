"""BM25 with the statistics of the whole index, whatever its shards.

Score of a passage for a query, as in Lucene (without its quantised lengths):
sum over query terms of  idf(t) * tf / (tf + k1 * (1 - b + b * length / mean length)),
idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5)).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import Analyzer, AnalyzerSettings
from webbrain.retrieval.ranking import hits, order, top_rows
from webbrain.store.index import Index
from webbrain.store.postings import PostingsShard
from webbrain.types import ScoredPassage


class Bm25Retriever:
    """Implements `webbrain.protocols.Retriever` over the postings of an index."""

    name = "bm25"

    def __init__(self, index: Index) -> None:
        self.index = index
        settings = index.manifest.settings
        self.analyzer = Analyzer(AnalyzerSettings(**settings["analyzer"]))
        self.k1 = float(settings["bm25"]["k1"])
        self.b = float(settings["bm25"]["b"])
        self.mean_length = max(index.manifest.totals["tokens"] / max(index.live, 1), 1e-9)

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return hits(self.index, self.rows(query, k), self.name)

    def rows(self, query: str, k: int) -> list[tuple[int, float]]:
        """(row, score) of the best `k` passages that share a term with the query."""
        counts = Counter(self.analyzer.query_terms(query))
        idf = self.idf(counts)
        found: list[tuple[int, float]] = []
        for shard, start in zip(self.index.postings, self.index.starts, strict=False):
            scores = self._scores(shard, {term: count * idf[term] for term, count in counts.items()})
            found.extend((start + int(row), float(scores[row])) for row in top_rows(scores, k))
        return order(found, k)

    def idf(self, terms: Iterable[str]) -> dict[str, float]:
        """Inverse document frequency of each term over all shards; a term that no passage holds has the highest."""
        total = self.index.live
        values = {}
        for term in terms:
            frequency = sum(shard.document_frequency(shard.find(term)) for shard in self.index.postings)
            values[term] = math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))
        return values

    def _scores(self, shard: PostingsShard, weights: Mapping[str, float]) -> NDArray[Any]:
        """Scores of all rows of a shard; a row's terms are added in query order, so sharding changes no digit."""
        scores = np.zeros(len(shard.lengths), np.float32)
        for term, weight in weights.items():
            rows, counts = shard.postings(shard.find(term))
            if len(rows) == 0:
                continue
            tf = counts.astype(np.float32)
            length = shard.lengths[rows].astype(np.float32)
            norm = self.k1 * (1 - self.b + self.b * length / np.float32(self.mean_length))
            scores[rows] += np.float32(weight) * tf / (tf + norm)
        if shard.deleted is not None:
            scores[shard.deleted] = 0
        return scores
