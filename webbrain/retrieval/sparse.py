"""Learned-sparse retrieval: the dot product of the query's term weights and the passages' (SPLADE, uniCOIL)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.retrieval.ranking import hits, order, top_rows
from webbrain.store.index import Index
from webbrain.store.sparse import SparseShard
from webbrain.types import ScoredPassage


class SparseRetriever:
    """Implements `webbrain.protocols.Retriever` with the index's own sparse encoder and postings."""

    name = "sparse"

    def __init__(self, index: Index) -> None:
        self.index = index
        self.scale = index.sparse_encoder.card.scale

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return hits(self.index, self.rows(query, k), self.name)

    def rows(self, query: str, k: int) -> list[tuple[int, float]]:
        """(row, score) of the best `k` passages that share a weighted term with the query."""
        weights = self.weights(query)
        found: list[tuple[int, float]] = []
        for shard, start in zip(self.index.sparse, self.index.starts, strict=False):
            scores = self._scores(shard, weights)
            found.extend((start + int(row), float(scores[row])) for row in top_rows(scores, k))
        return order(found, k)

    def weights(self, query: str) -> dict[int, float]:
        """Term -> weight of a query, heaviest first by the encoder."""
        encoder = self.index.sparse_encoder
        weights = encoder.query(query)
        if encoder.card.kind == "terms":
            return {term: weight * self._idf(term) for term, weight in weights.items()}
        return weights

    def _idf(self, term: int) -> float:
        """BM25's, over all shards, of the passages that have the term itself: not those it is only related to."""
        frequency = sum(shard.document_frequency(term) for shard in self.index.sparse)
        return math.log(1 + (self.index.live - frequency + 0.5) / (frequency + 0.5))

    def parts(self, query: str, row: int) -> dict[int, tuple[float, float]]:
        """Term -> (the query's weight, the passage's) where both have one; the products add up to the score."""
        shard, local = self.index.locate(row)
        found = {}
        for term, weight in self.weights(query).items():
            rows, codes = self.index.sparse[shard].postings(term)
            place = int(np.searchsorted(rows, local))
            if place < len(rows) and rows[place] == local:
                found[term] = (weight, float(codes[place]) * self.scale)
        return found

    def _scores(self, shard: SparseShard, weights: Mapping[int, float]) -> NDArray[Any]:
        """Scores of all rows of a shard; a row's terms are added in query order, so sharding changes no digit."""
        lists = [(*shard.postings(term), weight * self.scale) for term, weight in weights.items()]
        if not lists:
            return np.zeros(shard.passages)
        rows = np.concatenate([held for held, _, _ in lists])
        products = np.concatenate([codes * weight for _, codes, weight in lists])
        scores = np.bincount(rows, products, minlength=shard.passages)
        if shard.deleted is not None:
            scores[shard.deleted] = 0
        return scores
