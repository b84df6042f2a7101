"""Rankings of an index's passages: bm25, dense and their fusion, then the topic filter."""

from __future__ import annotations

from webbrain.protocols import Retriever
from webbrain.registry import RETRIEVERS
from webbrain.store.index import Index


def default_retriever(index: Index) -> str:
    """The name of the best retriever that the index can serve."""
    return "hybrid" if index.has_vectors else "bm25"


def make_retriever(index: Index, name: str | None = None) -> Retriever:
    """The retriever registered under `name` over an index; None is the default one. Raises ConfigError."""
    retriever: Retriever = RETRIEVERS.load(name or default_retriever(index))(index)
    return retriever
