"""The report's first table: every measure with its interval, and the difference from another run with its p value."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..compare import Comparison
from ..core import Scores
from ..significance import LEVEL, RESAMPLES, SEED, Interval
from . import plots
from .gather import Report
from .highlight import visible

SIGNIFICANT = 0.05
HEADS = ("mean", "95% interval", "", "queries", "left out")
HEADS_AGAINST = (
    "mean",
    "95% interval",
    "queries",
    "left out",
    "mean of {}",
    "difference",
    "95% interval",
    "p (Holm)",
    "+ / = / −",
)
# Group -> beginnings of the names of its measures; what fits none comes first: the measures against references.
GROUPS = {
    "Cited documents": ("cited documents",),
    "Citations": ("citation_", "joint_", "supported_elsewhere", "over_", "uncited_", "unresolved_", "not_checked"),
    "Support and facts": ("support", "number ", "date ", "name "),
    "Copying and repetition": ("coverage", "density", "redundancy", "repeated"),
    "Length and silence": ("words", "sentences", "abstained", "missing"),
}
FIRST_GROUP = "Against the reference texts"


def summary_html(report: Report) -> str:
    """A section with one table; its notes say how the intervals and p values came about."""
    heads = HEADS if report.against is None else tuple(head.format(report.against.name) for head in HEADS_AGAINST)
    cells = "".join(f'<th scope="col">{words(head)}</th>' for head in ("measure", *heads))
    return (
        f'<section id="summary"><h2>Scores</h2><div class="wide"><table class="numbers"><thead><tr>{cells}</tr></thead>'
        f'{"".join(_groups(report, len(heads) + 1))}</table></div><p class="note">{_notes(report)}</p></section>'
    )


def words(text: str) -> str:
    """Text for the page: escaped, without what hides or reorders the text around it."""
    return escape(visible(text))


def measure_name(name: str) -> str:
    """The name of a measure as it is read: underscores are spaces."""
    return words(name.replace("_", " "))


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"


def _groups(report: Report, columns: int) -> Iterator[str]:
    gaps = {one.measure: one for one in report.differences}
    theirs = {one.name: one for one in report.against.evaluation.scores} if report.against else {}
    for group in (FIRST_GROUP, *GROUPS):
        members = [scores for scores in report.run.evaluation.scores if _group(scores.name) == group]
        if members:
            rows = "".join(_row(scores, theirs.get(scores.name), gaps.get(scores.name)) for scores in members)
            yield f'<tbody><tr class="group"><th colspan="{columns}" scope="rowgroup">{group}</th></tr>{rows}</tbody>'


def _group(name: str) -> str:
    return next((group for group, starts in GROUPS.items() if name.startswith(starts)), FIRST_GROUP)


def _row(scores: Scores, theirs: Scores | None, gap: Comparison | None) -> str:
    total, span = scores.summary(), scores.interval()
    why = f' title="{escape(total.reason)}"' if total.reason else ""
    cells = [number(total.value), _span(span)]
    if gap is None:
        low, high = plots.value_range([value for value in scores.values.values() if value is not None])
        cells.append("" if total.value is None else plots.interval(total.value, span, low, high))
    cells += [str(total.n), f"<span{why}>{total.n_excluded or ''}</span>"]
    if gap is not None:
        cells += _against(theirs, gap)
    inner = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{measure_name(scores.name)}</th>{inner}</tr>'


def _against(theirs: Scores | None, gap: Comparison) -> list[str]:
    found = gap.difference
    mean = "–" if found.mean is None else f"{found.mean:+.3f}"
    if gap.p_holm is not None and gap.p_holm < SIGNIFICANT:
        mean = f"<strong>{mean}</strong>"
    p = "" if found.p is None else f'<span title="p {_p(found.p)} before correction">{_p(gap.p_holm)}</span>'
    counts = f"{found.wins} / {found.ties} / {found.losses}"
    return [number(theirs.summary().value if theirs else None), mean, _span(found.interval, "+"), p, counts]


def _span(span: Interval | None, sign: str = "") -> str:
    return "" if span is None else f"{span.low:{sign}.3f} … {span.high:{sign}.3f}"


def _p(value: float | None) -> str:
    return "–" if value is None else "&lt;.001" if value < 0.001 else f"{value:.3f}"


def _notes(report: Report) -> str:
    notes = (
        f"Bias-corrected bootstrap intervals over queries (level {LEVEL}, {RESAMPLES:,} resamples, seed {SEED}). "
        "A query without an article scores a measure’s default, and counts; one that a measure does not apply to is "
        "left out, and counted."
    )
    if report.against:
        notes += (
            " Differences are paired, over queries that both runs score; p by randomisation, corrected by Holm over "
            f"{len(report.differences)} comparisons; bold where it is under {SIGNIFICANT}; + / = / − count queries."
        )
    return notes
