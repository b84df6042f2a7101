"""Reranking the head of a ranking within a time budget, and the retriever that does so.

The first passages are scored again, one on each core, until the budget is spent. Those scored come first, ordered by
the mean of their first-stage score and their new one, each scaled to [0, 1] over them; the others follow as they stood.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from webbrain.errors import ConfigError
from webbrain.protocols import Retriever
from webbrain.retrieval.fusion import scale
from webbrain.store.index import Index
from webbrain.types import ScoredPassage
from webbrain.workers import available_cores

DEPTH = 50  # passages that are read from the first stage to be reranked, whatever k is
BUDGET = 0.2  # seconds a query


class PassageScorer(Protocol):
    """Scores passages one at a time for one query, on several threads at once: what a budget can be kept with."""

    @property
    def name(self) -> str: ...

    def start(self, query: str) -> PassageScoring: ...


class PassageScoring(Protocol):
    def __call__(self, hit: ScoredPassage) -> float: ...


@dataclass(frozen=True, slots=True)
class Reranked:
    """`hits` in their new order; `scores` holds the new score of each row that was scored within `seconds`."""

    hits: list[ScoredPassage]
    scores: dict[int, float]
    seconds: float


class BudgetReranker:
    """Implements `webbrain.protocols.Reranker`. `budget` in seconds; None scores every passage. `threads` passages are
    scored at once, all cores by default."""

    def __init__(
        self, scorer: PassageScorer, budget: float | None = BUDGET, weight: float = 0.5, threads: int | None = None
    ) -> None:
        if budget is not None and not 0 < budget < math.inf:
            raise ConfigError(f"a rerank budget of {budget} seconds makes no sense; give more than 0")
        self.scorer, self.budget, self.weight = scorer, budget, weight
        self.threads = threads or available_cores()

    @property
    def name(self) -> str:
        return self.scorer.name

    def rerank(self, query: str, hits: Sequence[ScoredPassage]) -> list[ScoredPassage]:
        return self.within(query, hits).hits

    def within(self, query: str, hits: Sequence[ScoredPassage]) -> Reranked:
        """The ranking, with what was scored and how long it took."""
        begin = time.perf_counter()
        scores: dict[int, float] = {}
        if hits and query.strip():
            scoring = self.scorer.start(query)
            scores[hits[0].row] = scoring(hits[0])  # alone: whatever is loaded at first use is loaded once
            scores |= self._score(scoring, hits[1:], begin)
        return Reranked(self._merged(hits, scores), scores, time.perf_counter() - begin)

    def _score(self, scoring: PassageScoring, hits: Sequence[ScoredPassage], begin: float) -> dict[int, float]:
        """New scores by row, of as many as the budget allows: always the first ones."""
        running: deque[tuple[int, Future[float]]] = deque()
        scores: dict[int, float] = {}
        with ThreadPoolExecutor(self.threads) as pool:
            for hit in hits:
                if len(running) == self.threads:
                    row, score = running.popleft()
                    scores[row] = score.result()
                if self.budget is not None and time.perf_counter() - begin >= self.budget:
                    break
                running.append((hit.row, pool.submit(scoring, hit)))
            return scores | {row: score.result() for row, score in running}

    def _merged(self, hits: Sequence[ScoredPassage], scores: dict[int, float]) -> list[ScoredPassage]:
        """Those scored, then the rest; their scores lie over the next one's, so that the ranking's scores fall."""
        head, rest = list(hits[: len(scores)]), list(hits[len(scores) :])
        first = scale({hit.row: hit.score for hit in head}) if head else {}
        second = scale(scores) if scores else {}
        floor = rest[0].score if rest else 0.0
        mixed = {row: floor + (1 - self.weight) * first[row] + self.weight * second[row] for row in second}
        head.sort(key=lambda hit: (-mixed[hit.row], hit.row))
        ordered = [*(replace(hit, score=mixed[hit.row]) for hit in head), *rest]
        return [replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1)]


class RerankingRetriever:
    """Implements `webbrain.protocols.Retriever`: another retriever's first `DEPTH` passages, reranked.

    With a budget the ranking depends on the speed of the machine.
    """

    def __init__(self, retriever: Retriever, reranker: BudgetReranker) -> None:
        self.retriever, self.reranker = retriever, reranker

    @property
    def name(self) -> str:
        budget = "" if self.reranker.budget is None else f"@{self.reranker.budget:g}"
        return f"{self.retriever.name}+{self.reranker.name}{budget}"

    def search(self, query: str, k: int) -> list[ScoredPassage]:
        return self.reranked(query, k).hits

    def reranked(self, query: str, k: int) -> Reranked:
        """The ranking cut to `k`, with what was reranked and how long that took."""
        found = self.retriever.search(query, max(k, DEPTH))
        done = self.reranker.within(query, found[:DEPTH])
        rest = found[DEPTH:]
        hits = [replace(hit, source=self.name) for hit in [*done.hits, *rest]]
        return Reranked(hits[: max(k, 0)], done.scores, done.seconds)


def make_reranker(index: Index, specification: str) -> BudgetReranker:
    """`NAME`, a registered one, or the folder of a cross-encoder; with `@SECONDS` behind it its budget ("none": no
    limit). Raises ConfigError."""
    from webbrain.registry import RERANKERS

    name, mark, budget = specification.rpartition("@")
    if not mark:
        name, budget = specification, str(BUDGET)
    seconds = None if budget == "none" else _seconds(budget, specification)
    if Path(name).is_dir():
        from webbrain.retrieval.crossencoder import CrossEncoderScorer

        return BudgetReranker(CrossEncoderScorer(Path(name)), seconds)
    return BudgetReranker(RERANKERS.load(name)(index), seconds)


def _seconds(text: str, specification: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} in {specification!r} is no number of seconds; write it as in maxsim@0.2"
        ) from error
