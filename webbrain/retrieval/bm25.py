"""BM25 with the statistics of the whole index, whatever its shards.

Score of a passage for a query, as in Lucene (without its quantised lengths):
sum over query terms of  idf(t) * tf / (tf + k1 * (1 - b + b * length / mean length)),
idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5)).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import Analyzer, AnalyzerSettings
from webbrain.retrieval.ranking import hits, order, top_rows
from webbrain.store.index import Index
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
        self._known_norms: dict[int, NDArray[Any]] = {}

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return hits(self.index, self.rows(query, k), self.name)

    def rows(self, query: str, k: int) -> list[tuple[int, float]]:
        """(row, score) of the best `k` passages that share a term with the query."""
        counts = Counter(self.analyzer.query_terms(query))
        numbers = {term: self._find(term) for term in counts}
        weights = [np.float32(counts[term] * self._idf(found)) for term, found in numbers.items()]
        ranked: list[tuple[int, float]] = []
        for at, start in enumerate(self.index.starts[:-1]):
            terms = [(found[at], weight) for found, weight in zip(numbers.values(), weights, strict=True)]
            scores = self._scores(at, terms)
            best = top_rows(scores, k)
            ranked.extend(zip((best + start).tolist(), scores[best].tolist(), strict=True))
        return order(ranked, k)

    def idf(self, terms: Iterable[str]) -> dict[str, float]:
        """Inverse document frequency of each term over all shards; a term that no passage holds has the highest."""
        return {term: self._idf(self._find(term)) for term in terms}

    def _find(self, term: str) -> list[int | None]:
        """A term's number in each shard."""
        return [shard.find(term) for shard in self.index.postings]

    def _idf(self, numbers: Sequence[int | None]) -> float:
        pairs = zip(self.index.postings, numbers, strict=True)
        frequency = sum(shard.document_frequency(number) for shard, number in pairs)
        return math.log(1 + (self.index.live - frequency + 0.5) / (frequency + 0.5))

    def _scores(self, at: int, terms: Iterable[tuple[int | None, np.float32]]) -> NDArray[Any]:
        """Scores of all rows of a shard; a row's terms are added in query order, so sharding changes no digit."""
        shard, norms = self.index.postings[at], self._norms(at)
        scores = np.zeros(len(norms), np.float32)
        for number, weight in terms:
            rows, counts = shard.postings(number)
            if len(rows):
                tf = counts.astype(np.float32)
                scores[rows] += weight * tf / (tf + norms[rows])
        if shard.deleted is not None:
            scores[shard.deleted] = 0
        return scores

    def _norms(self, at: int) -> NDArray[Any]:
        """What a row's length adds to the term counts of a shard, float32; kept, four bytes a passage."""
        norms = self._known_norms.get(at)
        if norms is None:
            length = self.index.postings[at].lengths.astype(np.float32)
            norms = self.k1 * (1 - self.b + self.b * length / np.float32(self.mean_length))
            self._known_norms[at] = norms
        return norms
