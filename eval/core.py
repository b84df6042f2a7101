"""What measures take and give: one query's article beside its references, and a score per query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from webbrain.errors import ConfigError
from webbrain.types import Article, MetricValue, Passage, Sentence

NO_ARTICLE = "the run has no article for this query"
NO_SENTENCES = "the article has no sentences"


@dataclass(frozen=True, slots=True)
class Item:
    """One query's article (None: the run has none for it) and the texts it is judged against."""

    query_id: str
    article: Article | None
    references: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The article's sentences as running text, without marks; "" when there is none."""
        return "" if self.article is None else " ".join(sentence.text for sentence in self.article.sentences)


@dataclass(frozen=True, slots=True)
class Scores:
    """A measure over the queries of one run.

    `values` holds a finite number per query id, or None where the measure does not apply and `reasons` says why.
    `pooled` is the value of all queries counted together, for measures where that is not the mean (corpus BLEU).
    Raises ConfigError for a value that is not a finite number: a NaN is never dropped from a mean in silence.
    """

    name: str
    values: Mapping[str, float | None]
    reasons: Mapping[str, str] = field(default_factory=dict)
    pooled: float | None = None

    def __post_init__(self) -> None:
        for query_id, value in [*self.values.items(), ("all queries together", self.pooled)]:
            if value is not None and not math.isfinite(value):
                raise ConfigError(
                    f"measure {self.name} gave {value} for {query_id!r}; mend the measure or leave it out"
                )

    def summary(self) -> MetricValue:
        """The mean over the queries it applies to; None, with the first reason, when it applies to none."""
        numbers = [value for value in self.values.values() if value is not None]
        excluded = len(self.values) - len(numbers)
        if not numbers:
            reason = next(iter(self.reasons.values()), "there is no query to score")
            return MetricValue(self.name, None, 0, excluded, reason)
        return MetricValue(self.name, math.fsum(numbers) / len(numbers), len(numbers), excluded, self._excluded())

    def _excluded(self) -> str:
        """The reasons why queries were left out, each once, in order."""
        left_out = (self.reasons.get(query_id, "") for query_id, value in self.values.items() if value is None)
        return "; ".join(dict.fromkeys(reason for reason in left_out if reason))


@runtime_checkable
class Measure(Protocol):
    """Scores a run of articles. One measure may give several `Scores` that come from one pass (BLEU-1..4)."""

    def score(self, items: Sequence[Item]) -> list[Scores]:
        """Each Scores holds every query id of `items`: a number, or None with a reason; never a NaN."""
        ...


def cited_passages(article: Article, sentence: Sentence) -> list[Passage]:
    """The passages that a sentence's marks point to, in the order of the marks; a mark that resolves to none is out."""
    by_marker = {reference.marker: reference.passage for reference in article.references}
    return [by_marker[marker] for marker in dict.fromkeys(sentence.citations) if marker in by_marker]
