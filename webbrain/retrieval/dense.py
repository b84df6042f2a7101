"""Dense retrieval: the query's vector against the passages' vectors, inner product of unit vectors (cosine)."""

from __future__ import annotations

from typing import Any

from webbrain.protocols import Vectors
from webbrain.retrieval.ranking import hits, order
from webbrain.store.index import Index
from webbrain.types import ScoredPassage


class DenseRetriever:
    """Implements `webbrain.protocols.Retriever` with the index's own encoder and FAISS shards."""

    name = "dense"

    def __init__(self, index: Index) -> None:
        self.index = index

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return hits(self.index, self.rows(query, k), self.name)

    def rows(self, query: str, k: int) -> list[tuple[int, float]]:
        """(row, cosine) of the best `k` passages."""
        if not query.strip() or k < 1:
            return []
        vector = self.index.encoder.encode([query])
        found: list[tuple[int, float]] = []
        for shard, vectors in enumerate(self.index.vectors):
            start, live = self.index.starts[shard], self.index.live_selectors[shard]
            found.extend((start + row, score) for row, score in _search(vectors, vector, k, live))
        return order(found, k)


def _search(vectors: Any, query: Vectors, k: int, live: Any = None) -> list[tuple[int, float]]:
    """Best `k` of one shard; asks for more while the last place is tied, so that ties go by row and not by chance.

    `live` is a FAISS selector of the rows to search, None for all.
    """
    options = {} if live is None else {"params": _selecting(live)}
    asked = min(k + 8, vectors.ntotal)
    while asked > 0:
        scores, rows = vectors.search(query, asked, **options)
        pairs = [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]
        cut_off = len(pairs) > k and pairs[k - 1][1] == pairs[-1][1]
        if not cut_off or asked == vectors.ntotal:
            return order(pairs, k)
        asked = min(asked * 4, vectors.ntotal)
    return []


def _selecting(live: Any) -> Any:
    import faiss

    parameters: Any = faiss.SearchParameters
    return parameters(sel=live)
