"""A comparison as text: means side by side, differences with p values, gold against retrieved evidence, queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .compare import Comparison, Comparisons
from .core import Evaluation
from .tables import columns, interval_text, number

STAR = 0.05


def comparison_lines(found: Comparisons, *, per_query: bool = False) -> Iterator[str]:
    """Tables parted by blank lines; a star marks a difference with a corrected p under STAR."""
    for run in found.runs:
        missing = (
            f"; {len(run.evaluation.missing)} queries missing, scored at the default" if run.evaluation.missing else ""
        )
        yield f"{run.name}: {run.mode or 'evidence not stated'}{missing}"
    yield ""
    yield from columns(_means(found))
    yield ""
    yield from columns(_differences(found.against_first))
    yield from _gaps(found)
    if per_query:
        yield from _per_query(found)


def _gaps(found: Comparisons) -> Iterator[str]:
    """Gold against retrieved evidence; only a line on it where the table above holds those pairs already."""
    if not found.gaps:
        return
    pairs = dict.fromkeys((gap.a, gap.b) for gap in found.gaps)
    yield ""
    if set(pairs) <= {(one.a, one.b) for one in found.against_first}:
        yield from (f"{b} - {a} is the gap of gold over retrieved evidence" for a, b in pairs)
        return
    yield "gap of gold over retrieved evidence:"
    yield from columns(_differences(found.gaps))


def _means(found: Comparisons) -> list[list[str]]:
    rows = [["measure", *(cell for run in found.runs for cell in (run.name, "95% interval"))]]
    for measure in _names(found):
        rows.append([measure, *(cell for run in found.runs for cell in _mean(run.evaluation, measure))])
    return rows


def _mean(evaluation: Evaluation, measure: str) -> tuple[str, str]:
    scores = next((scores for scores in evaluation.scores if scores.name == measure), None)
    if scores is None:
        return "-", "-"
    return number(scores.summary().value), interval_text(scores.interval())


def _differences(comparisons: Sequence[Comparison]) -> list[list[str]]:
    rows = [["measure", "runs", "difference", "95% interval", "p", "p Holm", "win/tie/loss", "queries", "excluded"]]
    for one in comparisons:
        gap = one.difference
        star = " *" if one.p_holm is not None and one.p_holm < STAR else ""
        counts = f"{gap.wins}/{gap.ties}/{gap.losses}"
        mean = "-" if gap.mean is None else f"{gap.mean:+.4f}"
        head = [one.measure, f"{one.b} - {one.a}", mean, interval_text(gap.interval)]
        rows.append([*head, number(gap.p), number(one.p_holm) + star, counts, str(gap.n), str(gap.excluded)])
    return rows


def _per_query(found: Comparisons) -> Iterator[str]:
    """Tab-separated: a line a query and measure, a column a run."""
    yield ""
    yield "\t".join(["query", "measure", *(run.name for run in found.runs)])
    tables = [{scores.name: scores.values for scores in run.evaluation.scores} for run in found.runs]
    for measure in _names(found):
        for query_id in tables[0].get(measure, {}):
            yield "\t".join([query_id, measure, *(number(table.get(measure, {}).get(query_id)) for table in tables)])


def _names(found: Comparisons) -> list[str]:
    return list(dict.fromkeys(scores.name for run in found.runs for scores in run.evaluation.scores))
