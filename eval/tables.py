"""An evaluation as text for a terminal: columns that line up, and a word on every query that was not scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .core import Evaluation, Scores
from .significance import Interval

NAMED_AT_MOST = 5


def evaluation_lines(found: Evaluation, *, per_query: bool = False) -> Iterator[str]:
    """A line a measure (mean, queries counted and excluded), a line a query if wanted, then what was not scored."""
    width = max([len("measure"), *(len(scores.name) + len(" (pooled)") for scores in found.scores)])
    yield f"{'measure':{width}}  {'value':>8}  {'95% interval':>18}  {'queries':>7}  {'excluded':>8}"
    for scores in found.scores:
        yield from _measure_lines(scores, width)
    if per_query:
        yield from _query_lines(found)
    yield from _named("judged, not in the run, scored at the default", found.missing)
    yield from _named("in the run, not judged, left out", found.left_out)
    yield from (f"{name}: {value}" for name, value in found.settings.items())


def _measure_lines(scores: Scores, width: int) -> Iterator[str]:
    total = scores.summary()
    why = f"  {total.reason}" if total.reason else ""
    span = interval_text(scores.interval())
    yield f"{scores.name:{width}}  {number(total.value):>8}  {span:>18}  {total.n:>7}  {total.n_excluded:>8}{why}"
    if scores.pooled is not None:
        yield f"{scores.name + ' (pooled)':{width}}  {number(scores.pooled):>8}"


def _query_lines(found: Evaluation) -> Iterator[str]:
    """Tab-separated, as many columns as measures."""
    yield ""
    yield "\t".join(["query", *(scores.name for scores in found.scores)])
    for query_id, row in found.as_json(per_query=True)["per_query"].items():
        yield "\t".join([query_id, *(number(row.get(scores.name)) for scores in found.scores)])
    yield ""


def _named(what: str, query_ids: tuple[str, ...]) -> Iterator[str]:
    if query_ids:
        more = "" if len(query_ids) <= NAMED_AT_MOST else f" and {len(query_ids) - NAMED_AT_MOST} more"
        yield f"{len(query_ids)} {what}: {', '.join(query_ids[:NAMED_AT_MOST])}{more}"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines: the first column to the left, the others to the right, each as wide as its widest cell."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells])


def interval_text(interval: Interval | None) -> str:
    return "-" if interval is None else f"[{interval.low:.4f}, {interval.high:.4f}]"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
