"""Citation recall and precision in ALCE's sense (Gao et al., EMNLP 2023, section 3), and what they leave untold.

ALCE asks an entailment model whether the cited passages, put together, entail a sentence; here a named `SupportScorer`
is asked. Otherwise as in the paper, and stricter than its code where that misreads marks: every number of `[1, 2]`
counts, `[0]` is no citation unless a reference has that number, and a mark that points to nothing is an imprecise one.

Copying a passage word for word scores 1 throughout, so coverage, density and length stand beside the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from webbrain.protocols import SupportScorer

from .checks import CheckedArticle, CheckedSentence, Kind
from .core import NO_ARTICLE, NO_SENTENCES, Item, Scores
from .runs import check_items

NO_MARKS = "the article has no mark"
Rate = Callable[[Sequence[CheckedSentence]], float | None]


class CitationMeasures:
    """Implements `Measure`: recall, precision, F1 and the kinds of sentences, per article."""

    def __init__(self, scorer: SupportScorer) -> None:
        self.scorer = scorer

    def score(self, items: Sequence[Item]) -> list[Scores]:
        """An article without a sentence is None throughout (it claims nothing); a missing one scores 0, and counts."""
        return citation_scores([item.query_id for item in items], check_items(items, self.scorer))


def citation_scores(query_ids: Iterable[str], checked: Mapping[str, CheckedArticle]) -> list[Scores]:
    """The citation measures of articles that are checked already; a query that `checked` lacks is a missing one."""
    ids = list(query_ids)
    return [rates(name, rate, ids, checked, default, reason) for name, (rate, default, reason) in MEASURES.items()]


def recall(sentences: Sequence[CheckedSentence]) -> float:
    """Share of the sentences that their cited passages together support."""
    return sum(sentence.supported for sentence in sentences) / len(sentences)


def precision(sentences: Sequence[CheckedSentence]) -> float | None:
    """Share of the marks that are precise; one that resolves to nothing is not. None without a mark."""
    marks = [mark for sentence in sentences for mark in sentence.marks]
    return sum(mark.precise for mark in marks) / len(marks) if marks else None


def f1(sentences: Sequence[CheckedSentence]) -> float | None:
    """Harmonic mean of recall and precision."""
    found, exact = recall(sentences), precision(sentences)
    if exact is None:
        return None
    return 2 * found * exact / (found + exact) if found + exact else 0.0


def over_citation(sentences: Sequence[CheckedSentence]) -> float | None:
    """Share of the marks of supported sentences that point to a passage which could be left out."""
    marks = sum(len(sentence.marks) for sentence in sentences if sentence.supported)
    return sum(sentence.over_cited for sentence in sentences) / marks if marks else None


def unresolved_marks(sentences: Sequence[CheckedSentence]) -> float | None:
    """Share of the marks that point to no reference."""
    marks = [mark for sentence in sentences for mark in sentence.marks]
    return sum(mark.passage is None for mark in marks) / len(marks) if marks else None


def _share_of(kind: Kind) -> Rate:
    def rate(sentences: Sequence[CheckedSentence]) -> float:
        return sum(sentence.kind == kind for sentence in sentences) / len(sentences)

    return rate


# Name -> how to compute it, what a query without an article scores (None: left out), and why it may not apply.
MEASURES: dict[str, tuple[Rate, float | None, str]] = {
    "citation_recall": (recall, 0.0, ""),
    "citation_precision": (precision, 0.0, NO_MARKS),
    "citation_f1": (f1, 0.0, NO_MARKS),
    "joint_support": (_share_of("joint"), None, ""),
    "supported_elsewhere": (_share_of("elsewhere"), None, ""),
    "over_citation": (over_citation, None, "no sentence is supported"),
    "uncited_sentences": (_share_of("uncited"), None, ""),
    "unresolved_marks": (unresolved_marks, None, NO_MARKS),
    "not_checked": (_share_of("not_checked"), None, ""),
}


def rates(
    name: str,
    rate: Rate,
    query_ids: Sequence[str],
    checked: Mapping[str, CheckedArticle],
    default: float | None = None,
    reason: str = "",
) -> Scores:
    """`rate` of each article's sentences; `default` for a query without an article, None for one without sentences."""
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for query_id in query_ids:
        article = checked.get(query_id)
        if article is None:
            values[query_id], why = default, NO_ARTICLE
        elif not article.sentences:
            values[query_id], why = None, NO_SENTENCES
        else:
            values[query_id], why = rate(article.sentences), reason
        if values[query_id] is None:
            reasons[query_id] = why
    return Scores(name, values, reasons)
