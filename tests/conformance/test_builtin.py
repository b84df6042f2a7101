"""Every built-in part against the suite of its protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.grounding.exact import ExactScorer
from webbrain.models import DEFAULT_ENCODER, resolve
from webbrain.protocols import Encoder, Retriever, SupportScorer, Writer
from webbrain.retrieval import hybrid
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.retrieval.dense import DenseRetriever
from webbrain.retrieval.fusion import ReciprocalRank, ScoreSum
from webbrain.retrieval.hybrid import HybridRetriever
from webbrain.store.index import Index
from webbrain.testing import (
    EncoderConformance,
    FuserConformance,
    RetrieverConformance,
    SupportScorerConformance,
    WriterConformance,
)
from webbrain.writing.extractive import ExtractiveWriter


class TestBm25(RetrieverConformance):
    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return Bm25Retriever


class TestDense(RetrieverConformance):
    vectors: ClassVar[bool] = True

    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return DenseRetriever


class TestDenseInLists(TestDense):
    dense_kind: ClassVar[Literal["auto", "exact", "ivf"]] = "ivf"


class TestHybridInLists(RetrieverConformance):
    vectors: ClassVar[bool] = True
    dense_kind: ClassVar[Literal["auto", "exact", "ivf"]] = "ivf"

    @pytest.fixture
    def make(self) -> Callable[[Index], Retriever]:
        return HybridRetriever


class TestHybrid(RetrieverConformance):
    vectors: ClassVar[bool] = True

    @pytest.fixture(params=[ReciprocalRank(), ScoreSum()], ids=["rrf", "score"])
    def make(self, request: pytest.FixtureRequest) -> Callable[[Index], Retriever]:
        return lambda index: HybridRetriever(index, request.param)

    def test_a_longer_list_than_it_reads_deep_begins_alike(
        self, index: Index, make: Callable[[Index], Retriever], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hybrid, "DEPTH", 3)
        query = "lighthouse Aldmouth granite herring crab storm engineer fish"  # in every text
        longest = make(index).search(query, 50)
        assert 3 <= len(longest) <= 6
        assert all(make(index).search(query, k) == longest[:k] for k in range(7))


class TestFusers(FuserConformance):
    @pytest.fixture(params=[ReciprocalRank(), ReciprocalRank(1), ScoreSum()], ids=repr)
    def fuser(self, request: pytest.FixtureRequest) -> ReciprocalRank | ScoreSum:
        return request.param


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    done: dict[str, Path] = {}

    def package(precision: str) -> Path:
        if precision not in done:
            done[precision] = tmp_path_factory.mktemp(precision)
            package_encoder(resolve(DEFAULT_ENCODER), done[precision], precision)
        return done[precision]

    return package


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    package_encoder(resolve("static"), folder)
    return folder


class TestOnnxEncoder(EncoderConformance):
    @pytest.fixture(params=["int8", "fp32"])
    def encoder(self, request: pytest.FixtureRequest, packaged: Callable[[str], Path]) -> Encoder:
        return OnnxEncoder(packaged(request.param))


def test_int8_products_cannot_overflow_16_bits(packaged: Callable[[str], Path]) -> None:
    """Processors without VNNI add two products of a byte of input and a code of a weight in 16 bits."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(packaged("int8") / "model.onnx")).graph
    products = [node for node in graph.node if node.op_type == "MatMulIntegerToFloat"]
    codes = {weight.name: weight for weight in graph.initializer}
    assert len(products) == 6 * 4
    assert all(int(numpy_helper.to_array(codes[node.input[1]]).max()) * 2 * 255 < 1 << 15 for node in products)


def test_int8_is_close_to_float(packaged: Callable[[str], Path]) -> None:
    texts = ["Ada Lovelace", "The cat sat on the mat, and slept.", "word " * 300]
    found, expected = (OnnxEncoder(packaged(precision)).encode(texts) for precision in ("int8", "fp32"))
    assert (found * expected).sum(axis=1).min() > 0.99


class TestStaticEncoder(EncoderConformance):
    @pytest.fixture
    def encoder(self, static: Path) -> Encoder:
        return OnnxEncoder(static)


class TestExtractiveWriter(WriterConformance):
    @pytest.fixture(params=["int8", None], ids=["vectors", "words"])
    def writer(self, request: pytest.FixtureRequest, packaged: Callable[[str], Path]) -> Writer:
        return ExtractiveWriter(OnnxEncoder(packaged(request.param)) if request.param else None)


class TestExactScorer(SupportScorerConformance):
    @pytest.fixture
    def scorer(self) -> SupportScorer:
        return ExactScorer()
