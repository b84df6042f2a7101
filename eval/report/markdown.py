"""The report's tables as Markdown, for a page that keeps no article text."""

from __future__ import annotations

from collections.abc import Iterator

from ..tables import interval_text, number
from .article import KIND_NAMES
from .gather import Report


def render_markdown(report: Report) -> str:
    """Scores, differences and kinds of sentences; no text of the corpus stands in it."""
    return "\n".join([*_scores(report), *_differences(report), *_sentences(report), *_reliability(report), ""])


def _scores(report: Report) -> Iterator[str]:
    yield f"# {_cell(report.run.name)}"
    yield ""
    missing = len(report.run.evaluation.missing)
    yield f"{len(report.items)} queries, {missing} without an article; {report.run.mode or 'evidence not stated'};"
    yield f"support scorer `{report.scorer}`."
    yield ""
    yield "| measure | mean | 95% interval | queries | left out |\n|---|---|---|---|---|"
    for scores in report.run.evaluation.scores:
        total = scores.summary()
        span = interval_text(scores.interval())
        yield f"| {_cell(scores.name)} | {number(total.value)} | {span} | {total.n} | {total.n_excluded} |"


def _differences(report: Report) -> Iterator[str]:
    if report.against is None:
        return
    yield ""
    yield f"## Against {_cell(report.against.name)}"
    yield ""
    yield "| measure | difference | 95% interval | p | p Holm | win/tie/loss |\n|---|---|---|---|---|---|"
    for one in report.differences:
        found = one.difference
        counts = f"{found.wins}/{found.ties}/{found.losses}"
        cells = (number(found.mean), interval_text(found.interval), number(found.p), number(one.p_holm), counts)
        yield f"| {_cell(one.measure)} | {' | '.join(cells)} |"


def _sentences(report: Report) -> Iterator[str]:
    yield ""
    yield "| sentences | count | meaning |\n|---|---|---|"
    for kind, count in report.kinds().items():
        yield f"| {kind.replace('_', ' ')} | {count} | {KIND_NAMES[kind]} |"


def _reliability(report: Report) -> Iterator[str]:
    if report.reliability is None:
        return
    found = report.reliability
    yield ""
    yield f"Against {found.n} labels: ECE {found.ece:.4f}, Brier {found.brier:.4f}, ROC AUC {number(found.auc)}."


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
