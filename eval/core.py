"""What measures take and give: one query's article beside its references, and a score per query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from webbrain.errors import ConfigError
from webbrain.types import Article, MetricValue, Passage, Sentence

if TYPE_CHECKING:
    from .significance import Interval

NO_ARTICLE = "the run has no article for this query"
NO_SENTENCES = "the article has no sentences"


@dataclass(frozen=True, slots=True)
class Item:
    """One query's article (None: the run has none for it) and the texts it is judged against."""

    query_id: str
    article: Article | None
    references: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What was asked, where the article says so; else the query's id."""
        return (self.article.query if self.article else "") or self.query_id

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

    def interval(self) -> Interval | None:
        """A bootstrap confidence interval of the mean over queries; None for fewer than two."""
        from .significance import bootstrap_interval

        return bootstrap_interval([value for value in self.values.values() if value is not None])

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


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Measures over one run, and the queries that are not in both the run and the judgements.

    `missing` are judged queries that the run lacks: they score the measure's default and count. `left_out` are queries
    of the run that nobody judged: they are named, and count in no measure. `settings` are what the scores depend on
    beside the run: the support scorer's name, for one.
    """

    scores: tuple[Scores, ...]
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def as_json(self, *, per_query: bool = False) -> dict[str, Any]:
        """`measures`: name -> value, n, n_excluded, reason, interval (`pooled`); `queries`; `settings`; `per_query`."""
        queries = list(dict.fromkeys(query_id for scores in self.scores for query_id in scores.values))
        found: dict[str, Any] = {
            "measures": {scores.name: _summary_json(scores) for scores in self.scores},
            "queries": {"scored": len(queries), "missing": list(self.missing), "left_out": list(self.left_out)},
            "settings": dict(self.settings),
        }
        if per_query:
            found["per_query"] = {query_id: self._of_query(query_id) for query_id in queries}
        return found

    def _of_query(self, query_id: str) -> dict[str, float | None]:
        return {scores.name: scores.values[query_id] for scores in self.scores if query_id in scores.values}

    def misses(self, bounds: Sequence[str]) -> list[str]:
        """What falls short of bounds such as "nDCG@10=0.5", a sentence each; a measure without a value falls short.

        Raises ConfigError for a bound that is malformed or names no measure of this evaluation.
        """
        values = {scores.name: scores.summary().value for scores in self.scores}
        short = []
        for name, least in map(_bound, bounds):
            if name not in values:
                raise ConfigError(
                    f"--fail-under names {name!r}, which is not measured; measured are: {', '.join(values)}"
                )
            value = values[name]
            if value is None or value < least:
                short.append(f"{name} is {'not applicable' if value is None else f'{value:.4f}'}, under {least:g}")
        return short


def _summary_json(scores: Scores) -> dict[str, Any]:
    interval = scores.interval()
    found = {**asdict(scores.summary()), "interval": None if interval is None else asdict(interval)}
    return found if scores.pooled is None else {**found, "pooled": scores.pooled}


def _bound(text: str) -> tuple[str, float]:
    name, equals, number = text.rpartition("=")
    try:
        least = float(number)
    except ValueError:
        least = math.nan
    if not name.strip() or not equals or not math.isfinite(least):
        raise ConfigError(f'--fail-under wants NAME=NUMBER, such as "nDCG@10=0.5", not {text!r}')
    return name.strip(), least
