"""Runs against each other: means with intervals, paired differences, randomisation tests with Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from webbrain.errors import ConfigError

from .core import Evaluation, Item
from .inputs import read_articles, read_references
from .modes import Mode, mode_of, partners
from .significance import RESAMPLES, SEED, Difference, compare_pairs, holm
from .text import score_items

DEFAULT_MEASURES = "grounding numbers dates names coverage redundancy length abstention"
DEFAULT_TEXT_MEASURES = f"rouge bleu {DEFAULT_MEASURES}"


@dataclass(frozen=True, slots=True)
class RunScores:
    """One run under its name, with its scores over the queries that all runs are judged on."""

    name: str
    evaluation: Evaluation
    mode: Mode


@dataclass(frozen=True, slots=True)
class Comparison:
    """Run `b` against run `a` on one measure; `p_holm` is corrected over all comparisons made beside it."""

    measure: str
    a: str
    b: str
    difference: Difference
    p_holm: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {"measure": self.measure, "a": self.a, "b": self.b, **asdict(self.difference), "p_holm": self.p_holm}


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All runs, each later one against the first; `gaps` are gold against retrieved evidence, where runs say so."""

    runs: tuple[RunScores, ...]
    against_first: tuple[Comparison, ...]
    gaps: tuple[Comparison, ...]

    def as_json(self, *, per_query: bool = False) -> dict[str, Any]:
        """`runs`, `comparisons`, `gaps`, and under `settings` the seed and the number of resamples."""
        return {
            "runs": [
                {"name": run.name, "evidence": str(run.mode) or None, **run.evaluation.as_json(per_query=per_query)}
                for run in self.runs
            ],
            "comparisons": [found.as_json() for found in self.against_first],
            "gaps": [found.as_json() for found in self.gaps],
            "settings": {"test": "paired randomisation", "correction": "Holm", "resamples": RESAMPLES, "seed": SEED},
        }

    def misses(self, bounds: Sequence[str]) -> list[str]:
        """What falls short of the bounds in any run but the first, which is what the others are measured by."""
        return [f"{run.name}: {message}" for run in self.runs[1:] for message in run.evaluation.misses(bounds)]


def compare_runs(
    runs: Sequence[Path],
    *,
    qrels: Path | None = None,
    references: Path | None = None,
    measures: str | None = None,
) -> Comparisons:
    """Compare rankings (with `qrels`) or articles (against `references`, or only against their own evidence).

    Raises ConfigError for fewer than two runs or both kinds of truth; errors as the evaluations that it makes.
    """
    if len(runs) < 2:
        raise ConfigError("there is one run to compare; name at least two")
    if qrels is not None and references is not None:
        raise ConfigError("--qrels are for rankings and --references for articles; give one of them")
    names = run_names(runs)
    if qrels is not None:
        return comparisons(_rankings(runs, names, qrels, measures))
    return comparisons(_articles(runs, names, references, measures))


def comparisons(runs: Sequence[RunScores]) -> Comparisons:
    """Every later run against the first on every measure, corrected together; gaps are corrected among themselves."""
    pairs = [(runs[0], run) for run in runs[1:]]
    gaps = [(runs[found], runs[gold]) for found, gold in partners([run.mode for run in runs])]
    return Comparisons(tuple(runs), _corrected(pairs), _corrected(gaps))


def run_names(paths: Sequence[Path]) -> list[str]:
    """File names without endings, or whole paths where two would be called the same."""
    stems = [path.name.split(".")[0] for path in paths]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in paths]


def _corrected(pairs: Sequence[tuple[RunScores, RunScores]]) -> tuple[Comparison, ...]:
    found = [comparison for a, b in pairs for comparison in _compare(a, b)]
    adjusted = holm([comparison.difference.p for comparison in found])
    return tuple(replace(comparison, p_holm=p) for comparison, p in zip(found, adjusted, strict=True))


def _compare(a: RunScores, b: RunScores) -> list[Comparison]:
    theirs = {scores.name: scores.values for scores in b.evaluation.scores}
    return [
        Comparison(scores.name, a.name, b.name, compare_pairs(scores.values, theirs[scores.name]))
        for scores in a.evaluation.scores
        if scores.name in theirs
    ]


def _rankings(runs: Sequence[Path], names: Sequence[str], qrels: Path, measures: str | None) -> list[RunScores]:
    from .retrieval import DEFAULT_MEASURES as RANKING_MEASURES
    from .retrieval import evaluate_retrieval

    wanted = measures or RANKING_MEASURES
    return [
        RunScores(name, evaluate_retrieval(run, qrels, wanted), Mode()) for name, run in zip(names, runs, strict=True)
    ]


def _articles(
    runs: Sequence[Path], names: Sequence[str], references: Path | None, measures: str | None
) -> list[RunScores]:
    from .measures import make_measure

    chosen = [make_measure(name) for name in (measures or _default(references)).split()]
    scored = []
    for name, items, left_out in zip(names, *read_run_items(runs, references), strict=True):
        scored.append(RunScores(name, score_items(items, chosen, left_out), mode_of(items)))
    return scored


def _default(references: Path | None) -> str:
    return DEFAULT_MEASURES if references is None else DEFAULT_TEXT_MEASURES


def read_run_items(runs: Sequence[Path], references: Path | None) -> tuple[list[list[Item]], list[tuple[str, ...]]]:
    """Per run its items over the same queries (those with references, else those of any run), and what it left out.

    Raises ConfigError for a run that has an article on none of these queries.
    """
    articles = [{row.query_id: row.article for row in read_articles(run)} for run in runs]
    texts = {} if references is None else read_references(references)
    ids = dict.fromkeys(texts or (query_id for run in articles for query_id in run))
    for path, found in zip(runs, articles, strict=True):
        if not ids.keys() & found:
            raise ConfigError(
                f"{path} has an article on none of the queries; give runs and references that belong together"
            )
    items = [[Item(query_id, run.get(query_id), texts.get(query_id, ())) for query_id in ids] for run in articles]
    return items, [tuple(query_id for query_id in run if query_id not in ids) for run in articles]
