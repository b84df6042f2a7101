"""Is an article true to its evidence? Support, facts found, copying, repetition, silence and length, side by side.

No one of them is enough: a copied passage is always supported, and an article that says nothing has no false number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from webbrain.protocols import SupportScorer

from .checks import CheckedArticle, CheckedSentence
from .citations import CitationMeasures, citation_scores, rates
from .core import Evaluation, Item, Scores
from .measures import make_measure
from .runs import check_items, load_scorer, read_items

BESIDE_SUPPORT = "numbers dates names coverage redundancy length abstention"
BESIDE_CITATIONS = "coverage length abstention"


class SupportMeasures:
    """Implements `Measure`: how far the references bear an article out, wherever its marks point."""

    def __init__(self, scorer: SupportScorer) -> None:
        self.scorer = scorer

    def score(self, items: Sequence[Item]) -> list[Scores]:
        """A missing article scores 0; one without a sentence is None."""
        return support_scores([item.query_id for item in items], check_items(items, self.scorer))


def support_scores(query_ids: Sequence[str], checked: Mapping[str, CheckedArticle]) -> list[Scores]:
    """`support_rate`, and `support`: the mean score of the sentences against what they cite."""
    return [
        rates("support_rate", support_rate, query_ids, checked, 0.0),
        rates("support", mean_support, query_ids, checked, 0.0),
    ]


def support_rate(sentences: Sequence[CheckedSentence]) -> float:
    """Share of the sentences that their cited passages, or another reference of the article, support."""
    return sum(sentence.supported or bool(sentence.elsewhere) for sentence in sentences) / len(sentences)


def mean_support(sentences: Sequence[CheckedSentence]) -> float:
    return sum(sentence.verdict.score for sentence in sentences) / len(sentences)


def evaluate_facts(
    run: Path | str,
    *,
    scorer: str | None = None,
    calibration: Path | None = None,
    queries: Path | str | None = None,
) -> Evaluation:
    """Support rate, number, date and name precision, coverage, redundancy, abstentions and length of a run's articles.

    Raises CorpusError for a malformed or empty run, ConfigError for an unknown scorer.
    """
    judge = load_scorer(scorer, calibration)
    items, left_out = read_items(run, queries)
    return _evaluation(items, left_out, judge, SupportMeasures(judge).score(items), BESIDE_SUPPORT)


def evaluate_citations(
    run: Path | str,
    *,
    scorer: str | None = None,
    calibration: Path | None = None,
    queries: Path | str | None = None,
) -> Evaluation:
    """Citation recall and precision with coverage and length beside them; errors as `evaluate_facts`."""
    judge = load_scorer(scorer, calibration)
    items, left_out = read_items(run, queries)
    return _evaluation(items, left_out, judge, CitationMeasures(judge).score(items), BESIDE_CITATIONS)


def fact_scores(items: Sequence[Item], checked: Mapping[str, CheckedArticle]) -> list[Scores]:
    """All of `evaluate_citations` and `evaluate_facts` from one check of the sentences."""
    ids = [item.query_id for item in items]
    return [*citation_scores(ids, checked), *support_scores(ids, checked), *_beside(items, BESIDE_SUPPORT)]


def _evaluation(
    items: Sequence[Item], left_out: tuple[str, ...], scorer: SupportScorer, scores: list[Scores], beside: str
) -> Evaluation:
    missing = tuple(item.query_id for item in items if item.article is None)
    settings = {"support scorer": scorer.name}
    return Evaluation((*scores, *_beside(items, beside)), missing, left_out, settings)


def _beside(items: Sequence[Item], names: str) -> list[Scores]:
    return [scores for name in names.split() for scores in make_measure(name).score(items)]
