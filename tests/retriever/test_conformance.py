"""Learned-sparse retrieval, the hybrid of three and the rerankers against the suites of their protocols."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from indexing.build import build
from indexing.settings import BuildSettings
from indexing.sparse import add_sparse
from tests.building import write_corpus
from webbrain.protocols import Retriever
from webbrain.retrieval import make_retriever
from webbrain.retrieval.maxsim import MaxSimScorer
from webbrain.retrieval.rerank import BudgetReranker
from webbrain.store.index import Index
from webbrain.testing import TEXTS, RerankerConformance, RetrieverConformance

SPARSE = str(Path(__file__).parent / "terms-minilm")  # see its README


def make_index(folder: Path, shard_passages: int) -> Index:
    rows = [{"id": str(n), "title": "Aldmouth", "text": text} for n, text in enumerate(TEXTS)]
    build(write_corpus(folder / "corpus.jsonl", rows), folder / "index", BuildSettings(shard_passages=shard_passages))
    assert add_sparse(folder / "index", SPARSE)
    return Index.open(folder / "index")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_index(tmp_path_factory.mktemp("whole"), 1000)


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_index(tmp_path_factory.mktemp("parted"), 3)


class OnSparse(RetrieverConformance):
    """The suite over indexes with a sparse part."""

    @pytest.fixture
    def index(self, whole: Index) -> Index:
        return whole

    @pytest.fixture
    def sharded(self, parted: Index) -> Index:
        return parted


class TestSparse(OnSparse):
    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return partial(make_retriever, name="sparse")


class TestHybridOfThree(OnSparse):
    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return partial(make_retriever, name="hybrid3")


class TestRerankingRetriever(OnSparse):
    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return partial(make_retriever, name="hybrid+maxsim@none")


class TestMaxSim(RerankerConformance):
    @pytest.fixture
    def reranker(self, whole: Index) -> BudgetReranker:
        return BudgetReranker(MaxSimScorer(whole), None)
