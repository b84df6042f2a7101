"""BM25 and dense retrieval together, and learned-sparse retrieval with them."""

from __future__ import annotations

from webbrain.protocols import Fuser
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.retrieval.dense import DenseRetriever
from webbrain.retrieval.fusion import ScoreSum
from webbrain.retrieval.ranking import hits, order
from webbrain.retrieval.sparse import SparseRetriever
from webbrain.store.index import Index
from webbrain.types import ScoredPassage

# How deep each ranking is read before fusing. Fixed, so that the top five are a prefix of any longer list.
DEPTH = 1000


class HybridRetriever:
    """Implements `webbrain.protocols.Retriever`: rankings to a fixed depth, fused.

    It ranks what stands among the best `DEPTH` passages of any ranking, and so at most so many for each of them.
    """

    name = "hybrid"

    def __init__(self, index: Index, fuser: Fuser | None = None) -> None:
        self.index = index
        self.fuser: Fuser = fuser or ScoreSum()
        self.bm25 = Bm25Retriever(index)
        self.dense = DenseRetriever(index)
        self.parts: tuple[Bm25Retriever | DenseRetriever | SparseRetriever, ...] = (self.bm25, self.dense)

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return hits(self.index, self.rows(query, k), self.name)

    def rows(self, query: str, k: int) -> list[tuple[int, float]]:
        """(row, fused score) of the best `k` passages."""
        return order(self.fuser.fuse([dict(part.rows(query, DEPTH)) for part in self.parts]), k)


class ThreeRetriever(HybridRetriever):
    """The same of BM25, dense and learned-sparse retrieval."""

    name = "hybrid3"

    def __init__(self, index: Index, fuser: Fuser | None = None) -> None:
        super().__init__(index, fuser)
        self.parts = (self.bm25, self.dense, SparseRetriever(index))
