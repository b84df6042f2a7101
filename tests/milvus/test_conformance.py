"""The retrievers over Milvus (embedded here, by the same client as a cluster) against the suite of all retrievers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from indexing.export import export
from webbrain.protocols import Retriever
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.testing import RetrieverConformance

REASON = "the back end's extra is not installed: pip install 'webbrain[milvus]'"
pytest.importorskip("pymilvus", reason=REASON)
pytest.importorskip("milvus_lite", reason=REASON)

_exported: dict[Path, str] = {}


def over_milvus(name: str) -> Callable[[Index], Retriever]:
    def make(index: Index) -> Retriever:
        if index.folder not in _exported:
            _exported[index.folder] = export(index, str(index.folder / "milvus.db"), "texts").collection
        return make_retriever(index, name)

    return make


class TestMilvus(RetrieverConformance):
    vectors: ClassVar[bool] = True

    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return over_milvus("milvus")


class TestMilvusDense(RetrieverConformance):
    vectors: ClassVar[bool] = True

    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return over_milvus("milvus-dense")


class TestMilvusBm25(RetrieverConformance):
    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return over_milvus("milvus-bm25")


class TestMilvusWithoutVectors(RetrieverConformance):
    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return over_milvus("milvus")
