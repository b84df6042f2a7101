"""Reranking keeps its budget and its order, whoever scores."""

from __future__ import annotations

import threading
import time

import pytest

from webbrain.errors import ConfigError
from webbrain.retrieval import rerank
from webbrain.retrieval.rerank import BudgetReranker, PassageScoring, RerankingRetriever
from webbrain.search_options import with_reranker
from webbrain.types import Passage, ScoredPassage


class ByLength:
    """Scores a passage by the length of its text, after a pause."""

    name = "length"

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause

    def start(self, query: str) -> PassageScoring:
        def score(hit: ScoredPassage) -> float:
            time.sleep(self.pause)
            return float(len(hit.passage.text))

        return score


class Ranked:
    """A first stage of `count` passages, each longer than the one before."""

    name = "ranked"

    def __init__(self, count: int) -> None:
        self.hits = [
            ScoredPassage(Passage(f"{n}#0", str(n), "", "x" * n, 0, n), 1.0 / n, n, "ranked", n)
            for n in range(1, count + 1)
        ]

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return self.hits[:k]


def test_all_are_scored_without_a_budget() -> None:
    done = BudgetReranker(ByLength(), None, weight=1.0).within("q", Ranked(6).hits)
    assert [hit.row for hit in done.hits] == [6, 5, 4, 3, 2, 1]
    assert done.scores == {n: float(n) for n in range(1, 7)}


@pytest.mark.parametrize("threads", [1, 4])
def test_it_stops_when_the_budget_is_spent(threads: int) -> None:
    done = BudgetReranker(ByLength(0.03), 0.1, weight=1.0, threads=threads).within("q", Ranked(40).hits)
    scored = len(done.scores)
    assert 1 <= scored <= 4 * threads
    assert done.seconds < 0.3
    assert [hit.row for hit in done.hits] == [*range(scored, 0, -1), *range(scored + 1, 41)]
    scores = [hit.score for hit in done.hits]
    assert scores == sorted(scores, reverse=True)
    assert [hit.rank for hit in done.hits] == list(range(1, 41))


class Meeting:
    """Scores a passage when another is there to be scored, too; the first one alone."""

    name = "meeting"

    def start(self, query: str) -> PassageScoring:
        barrier = threading.Barrier(2, timeout=20)

        def score(hit: ScoredPassage) -> float:
            if hit.row > 1:
                barrier.wait()
            return -float(hit.row)

        return score


def test_threads_score_side_by_side_and_change_nothing() -> None:
    done = BudgetReranker(Meeting(), None, weight=1.0, threads=2).within("q", Ranked(7).hits)
    assert done.scores == {row: -row for row in range(1, 8)}
    assert [hit.row for hit in done.hits] == list(range(1, 8))


def test_what_a_scorer_fails_with_is_raised() -> None:
    class Failing(Meeting):
        def start(self, query: str) -> PassageScoring:
            return lambda hit: 1 / (hit.row - 3)

    with pytest.raises(ZeroDivisionError):
        BudgetReranker(Failing(), None, threads=2).within("q", Ranked(9).hits)


def test_one_passage_is_scored_however_small_the_budget() -> None:
    assert len(BudgetReranker(ByLength(0.01), 1e-6).within("q", Ranked(5).hits).scores) == 1


def test_first_stage_and_new_score_count_alike() -> None:
    done = BudgetReranker(ByLength(), None).within("q", Ranked(3).hits)  # scaled: 1, 1/4, 0 and 0, 1/2, 1
    assert {hit.row: round(hit.score, 4) for hit in done.hits} == {1: 0.5, 3: 0.5, 2: 0.375}
    assert [hit.row for hit in done.hits] == [1, 3, 2]


def test_the_same_passages_are_reranked_whatever_k(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerank, "DEPTH", 4)
    retriever = RerankingRetriever(Ranked(9), BudgetReranker(ByLength(), None, weight=1.0))
    longest = retriever.search("q", 9)
    assert [hit.row for hit in longest] == [4, 3, 2, 1, 5, 6, 7, 8, 9]
    assert all(retriever.search("q", k) == longest[:k] for k in range(10))
    assert retriever.name == "ranked+length"
    assert {hit.source for hit in longest} == {"ranked+length"}


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_that_makes_no_sense(budget: float) -> None:
    with pytest.raises(ConfigError, match="makes no sense"):
        BudgetReranker(ByLength(), budget)


def test_what_the_command_line_asks_for() -> None:
    assert with_reranker(None, None, 0.2) is None
    assert with_reranker("bm25", None, 0.2) == "bm25"
    assert with_reranker(None, "maxsim", 0.2) == "+maxsim@0.2"
    assert with_reranker("dense", "a/b@c", 0.0) == "dense+a/b@c@none"
