"""The suites themselves: each finds the faults it is there for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from webbrain import testing
from webbrain.analysis import Analyzer, is_stop
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.retrieval.fusion import ReciprocalRank
from webbrain.store.index import Index
from webbrain.testing import (
    EncoderConformance,
    FuserConformance,
    RerankerConformance,
    RetrieverConformance,
    SupportScorerConformance,
    WriterConformance,
)
from webbrain.types import Claim, Passage, ScoredPassage, Sentence, Verdict


class TermReranker:
    """By the number of the query's terms in a passage."""

    def rerank(self, query: str, hits: Sequence[ScoredPassage]) -> list[ScoredPassage]:
        analyzer = Analyzer()
        wanted = {term for term in analyzer.terms(query) if not is_stop(term)}
        scored = [replace(hit, score=float(len(wanted & set(analyzer.terms(hit.passage.text))))) for hit in hits]
        scored.sort(key=lambda hit: (-hit.score, hit.rank))
        return [replace(hit, rank=rank) for rank, hit in enumerate(scored, 1)]


class TestTermReranker(RerankerConformance):
    @pytest.fixture
    def reranker(self) -> TermReranker:
        return TermReranker()


def fails(test: Callable[..., None], *arguments: Any) -> bool:
    try:
        test(*arguments)
    except AssertionError:
        return True
    return False


class HashEncoder:
    """Vectors of words, with what a fault does to them."""

    dim = 64

    def __init__(self, fault: Callable[[np.ndarray], np.ndarray] = lambda vectors: vectors) -> None:
        self.fault = fault

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.full((len(texts), self.dim), 0.01, np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for term in Analyzer().terms(text)[:500]:
                row[sum(term.encode()) % self.dim] += 1
        return self.fault(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


class TestHashEncoder(EncoderConformance):
    @pytest.fixture
    def encoder(self) -> HashEncoder:
        return HashEncoder()


@pytest.mark.parametrize(
    ("test", "fault"),
    [
        ("test_shape_and_length", lambda vectors: vectors * 2),
        ("test_shape_and_length", lambda vectors: vectors.astype(np.float64)),
        ("test_shape_and_length", lambda vectors: vectors[:1]),
        ("test_a_vector_does_not_depend_on_its_company", lambda vectors: vectors - vectors.mean(axis=0)),
        ("test_odd_texts_have_vectors", lambda vectors: np.where(vectors > 0.9, np.nan, vectors)),
        ("test_what_means_the_same_is_near", lambda vectors: np.full_like(vectors, 1 / 8)),
        ("test_no_text_gives_no_vector", lambda vectors: vectors.reshape(-1)),
    ],
)
def test_faults_of_an_encoder(test: str, fault: Callable[[np.ndarray], np.ndarray]) -> None:
    assert fails(getattr(EncoderConformance(), test), HashEncoder(fault))


Change = Callable[[list[ScoredPassage], int], list[ScoredPassage]]


def broken(change: Change) -> Callable[[Index], Any]:
    class Broken(Bm25Retriever):
        def search(self, query: str, k: int) -> list[ScoredPassage]:
            return change(super().search(query, k), k)

    return Broken


@pytest.mark.parametrize(
    ("test", "change"),
    [
        ("test_a_ranking_is_well_formed", lambda hits, k: hits[::-1]),
        ("test_a_ranking_is_well_formed", lambda hits, k: [replace(hit, rank=hit.rank - 1) for hit in hits]),
        ("test_a_ranking_is_well_formed", lambda hits, k: [replace(hit, row=0) for hit in hits]),
        ("test_a_ranking_is_well_formed", lambda hits, k: [replace(hit, score=float("nan")) for hit in hits]),
        ("test_a_ranking_is_well_formed", lambda hits, k: [replace(hit, source="x") for hit in hits]),
        ("test_a_shorter_list_is_a_prefix_of_a_longer_one", lambda hits, k: hits[1:]),
        (
            "test_a_shorter_list_is_a_prefix_of_a_longer_one",
            lambda hits, k: [replace(h, score=h.score / k) for h in hits],
        ),
        ("test_a_passage_is_found_by_its_words", lambda hits, k: []),
    ],
)
def test_faults_of_a_retriever(
    tmp_path_factory: pytest.TempPathFactory,
    test: str,
    change: Callable[[list[ScoredPassage], int], list[ScoredPassage]],
) -> None:
    index = testing._index(tmp_path_factory, shard_passages=1000, vectors=False)
    assert fails(getattr(RetrieverConformance(), test), index, broken(change))
    assert not fails(getattr(RetrieverConformance(), test), index, Bm25Retriever)


def test_local_statistics_are_noticed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The commonest fault of a sharded index: each shard with an idf of its own."""

    class Local(Bm25Retriever):
        def _idf(self, numbers: Any) -> float:
            return 1.0 / len(self.index.postings)

    whole, parted = (testing._index(tmp_path_factory, shard_passages=size, vectors=False) for size in (1000, 3))
    assert fails(RetrieverConformance().test_shards_change_nothing, whole, parted, Local)
    assert not fails(RetrieverConformance().test_shards_change_nothing, whole, parted, Bm25Retriever)


class BrokenFuser:
    def __init__(self, change: Callable[[Sequence[dict[int, float]]], dict[int, float]]) -> None:
        self.change = change

    def fuse(self, rankings: Sequence[Mapping[int, float]]) -> dict[int, float]:
        return self.change(rankings) if any(rankings) else {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("test", "change"),
    [
        ("test_every_row_gets_a_finite_score", lambda rankings: dict(rankings[0])),
        ("test_every_row_gets_a_finite_score", lambda r: {row: float("inf") for one in r for row in one}),
        ("test_one_ranking_keeps_its_order", lambda rankings: {row: float(row) for row in rankings[0]}),
        ("test_a_row_that_is_high_in_both_comes_first", lambda rankings: dict(rankings[0])),
        ("test_no_order_matters", lambda rankings: dict(rankings[0])),
        ("test_its_input_is_left_alone", lambda rankings: [one.clear() for one in rankings] and {}),
    ],
)
def test_faults_of_a_fuser(test: str, change: Callable[[Sequence[dict[int, float]]], dict[int, float]]) -> None:
    assert fails(getattr(FuserConformance(), test), BrokenFuser(change))
    assert not fails(getattr(FuserConformance(), test), ReciprocalRank())


class QuotingWriter:
    """The first sentence of each passage, with a fault."""

    name = "quoting"

    def __init__(self, fault: Callable[[Sentence], Sentence] = lambda sentence: sentence) -> None:
        self.fault = fault

    def write(self, query: str, evidence: Sequence[Passage]) -> list[Sentence]:
        first = [(n, one.text.split(". ")[0].replace("[", "(").strip()) for n, one in enumerate(evidence, 1)]
        return [self.fault(Sentence(text, (n,))) for n, text in first if text]


class TestQuotingWriter(WriterConformance):
    @pytest.fixture
    def writer(self) -> QuotingWriter:
        return QuotingWriter()


@pytest.mark.parametrize(
    "fault",
    [
        lambda sentence: replace(sentence, citations=()),
        lambda sentence: replace(sentence, citations=(99,)),
        lambda sentence: replace(sentence, citations=(0,)),
        lambda sentence: replace(sentence, citations=(1, 1)),
        lambda sentence: replace(sentence, text=sentence.text + " [1]"),
        lambda sentence: replace(sentence, text=" "),
        lambda sentence: replace(sentence, support=1.0),
    ],
)
def test_faults_of_a_writer(fault: Callable[[Sentence], Sentence]) -> None:
    assert fails(WriterConformance().test_sentences_cite_the_evidence_and_nothing_else, QuotingWriter(fault))


class WordScorer:
    """The share of the claim's words that the passages hold, with a fault."""

    name = "words"

    def __init__(self, fault: Callable[[Verdict], Verdict] = lambda verdict: verdict) -> None:
        self.fault = fault

    def score(self, claim: Claim, sources: Sequence[Passage]) -> Verdict:
        wanted = set(claim.text.lower().split())
        held = {word for source in sources for word in source.text.lower().split()}
        share = len(wanted & held) / len(wanted) if wanted else 0.0
        return self.fault(Verdict("supported" if share > 0.9 else "not_supported", share))


class TestWordScorer(SupportScorerConformance):
    @pytest.fixture
    def scorer(self) -> WordScorer:
        return WordScorer()


@pytest.mark.parametrize(
    ("test", "fault"),
    [
        ("test_verdicts_are_well_formed", lambda verdict: replace(verdict, score=verdict.score * 2)),
        ("test_verdicts_are_well_formed", lambda verdict: replace(verdict, label="yes")),
        ("test_a_quotation_is_supported", lambda verdict: Verdict("not_checked", 0.0)),
        ("test_nothing_supports_nothing", lambda verdict: Verdict("supported", 0.9)),
        ("test_support_by_another_passage_is_less", lambda verdict: Verdict("supported", 0.9)),
        ("test_a_wrong_number_or_name_costs", lambda verdict: Verdict("supported", 0.9)),
    ],
)
def test_faults_of_a_scorer(test: str, fault: Callable[[Verdict], Verdict]) -> None:
    assert fails(getattr(SupportScorerConformance(), test), WordScorer(fault))
