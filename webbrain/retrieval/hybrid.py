"""BM25 and dense retrieval together."""

from __future__ import annotations

from webbrain.protocols import Fuser
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.retrieval.dense import DenseRetriever
from webbrain.retrieval.fusion import ScoreSum
from webbrain.retrieval.ranking import hits, order
from webbrain.store.index import Index
from webbrain.types import ScoredPassage

# How deep each ranking is read before fusing. Fixed, so that the top five are a prefix of any longer list.
DEPTH = 1000


class HybridRetriever:
    """Implements `webbrain.protocols.Retriever`: both rankings to a fixed depth, fused.

    It ranks what stands among the best `DEPTH` passages of either ranking, and so at most twice as many.
    """

    name = "hybrid"

    def __init__(self, index: Index, fuser: Fuser | None = None) -> None:
        self.index = index
        self.fuser: Fuser = fuser or ScoreSum()
        self.bm25 = Bm25Retriever(index)
        self.dense = DenseRetriever(index)

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return hits(self.index, self.rows(query, k), self.name)

    def rows(self, query: str, k: int) -> list[tuple[int, float]]:
        """(row, fused score) of the best `k` passages."""
        rankings = [dict(self.bm25.rows(query, DEPTH)), dict(self.dense.rows(query, DEPTH))]
        return order(self.fuser.fuse(rankings), k)
