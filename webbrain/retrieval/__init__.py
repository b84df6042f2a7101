"""Rankings of an index's passages: bm25, dense and their fusion, then the topic filter."""

from __future__ import annotations

from webbrain.protocols import Retriever
from webbrain.registry import RETRIEVERS
from webbrain.store.index import Index


def default_retriever(index: Index) -> str:
    """The name of the best retriever that the index can serve."""
    return "hybrid" if index.has_vectors else "bm25"


def make_retriever(index: Index, name: str | None = None) -> Retriever:
    """The retriever registered under `name` over an index; None is the default one. Raises ConfigError.

    `NAME+RERANKER[@SECONDS]` reranks it (see `rerank.make_reranker`); NAME may be left out: `+maxsim@0.2`.
    """
    first, mark, second = (name or "").partition("+")
    retriever: Retriever = RETRIEVERS.load(first or default_retriever(index))(index)
    if not mark:
        return retriever
    from webbrain.retrieval.rerank import RerankingRetriever, make_reranker

    return RerankingRetriever(retriever, make_reranker(index, second))
