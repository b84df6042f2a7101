"""Everything a report shows, computed once: scores, comparisons, checked sentences, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webbrain.records import read_qrels

from ..checks import KINDS, CheckedArticle
from ..cited import CitedDocuments
from ..compare import Comparison, RunScores, comparisons, read_run_items, run_names
from ..core import Evaluation, Item, Scores
from ..facts import fact_scores
from ..measures import make_measure
from ..modes import mode_of
from ..reliability import Reliability, measure_reliability, read_labelled
from ..runs import check_items, load_scorer
from ..significance import LEVEL, RESAMPLES, SEED

TEXT_MEASURES = "rouge bleu meteor cider refer"
UNIT = 1.0 + 1e-9


@dataclass(frozen=True, slots=True)
class Report:
    """`items` and `checked` are of the run itself; `differences` are the run minus the one it is held against."""

    run: RunScores
    items: tuple[Item, ...]
    checked: Mapping[str, CheckedArticle]
    scorer: str
    against: RunScores | None = None
    differences: tuple[Comparison, ...] = ()
    reliability: Reliability | None = None

    @property
    def provenance(self) -> Mapping[str, object]:
        """Of the first article; those of a run agree but for their counts."""
        first = next((item.article for item in self.items if item.article is not None), None)
        return {} if first is None else {name: value for name, value in first.provenance.items() if name != "counts"}

    def kinds(self) -> dict[str, int]:
        """How many sentences of the run are of each kind."""
        found = [sentence.kind for article in self.checked.values() for sentence in article.sentences]
        return {kind: found.count(kind) for kind in KINDS}

    def as_json(self) -> dict[str, Any]:
        """The numbers of the report, per query too, and each sentence's kind, verdict and marks."""
        from dataclasses import asdict

        return {
            "run": {"name": self.run.name, **self.run.evaluation.as_json(per_query=True)},
            "against": self.against and {"name": self.against.name, **self.against.evaluation.as_json(per_query=True)},
            "differences": [one.as_json() for one in self.differences],
            "reliability": self.reliability and asdict(self.reliability),
            "sentences": self.kinds(),
            "articles": {query_id: _sentences(article) for query_id, article in self.checked.items()},
            "provenance": dict(self.provenance),
            "settings": {"support scorer": self.scorer, "level": LEVEL, "resamples": RESAMPLES, "seed": SEED},
        }


def gather(
    run: Path,
    *,
    references: Path | None = None,
    qrels: Path | None = None,
    against: Path | None = None,
    labels: Path | None = None,
    scorer: str | None = None,
    calibration: Path | None = None,
    measures: str | None = None,
) -> Report:
    """Evaluate a run of articles for a report.

    `references` add measures against texts (`measures`, TEXT_MEASURES by default), `qrels` the cited documents against
    the judged ones, `labels` the reliability of the support scorer. Errors as those of the evaluations.
    """
    judge = load_scorer(scorer, calibration)
    paths = [run] if against is None else [run, against]
    every, left_out = read_run_items(paths, references)
    chosen = [make_measure(name) for name in (measures or TEXT_MEASURES).split()] if references is not None else []
    chosen += [CitedDocuments(read_qrels(qrels))] if qrels is not None else []
    runs, checks = [], []
    for name, items, out in zip(run_names(paths), every, left_out, strict=True):
        checks.append(check_items(items, judge))
        scores = [*(found for measure in chosen for found in measure.score(items)), *fact_scores(items, checks[-1])]
        runs.append(RunScores(name, _evaluation(items, scores, out, judge.name), mode_of(items)))
    return Report(
        run=runs[0],
        items=tuple(every[0]),
        checked=checks[0],
        scorer=judge.name,
        against=runs[1] if against is not None else None,
        differences=comparisons(runs[::-1]).against_first if against is not None else (),
        reliability=None
        if labels is None
        else measure_reliability(judge.name, *read_labelled(labels, judge, checks[0])),
    )


def _evaluation(items: Sequence[Item], scores: list[Scores], left_out: tuple[str, ...], scorer: str) -> Evaluation:
    missing = tuple(item.query_id for item in items if item.article is None)
    return Evaluation(tuple(scores), missing, left_out, {"support scorer": scorer})


def _sentences(article: CheckedArticle) -> list[dict[str, Any]]:
    return [
        {
            "text": sentence.sentence.text,
            "kind": sentence.kind,
            "label": sentence.verdict.label,
            "score": sentence.verdict.score,
            "evidence": sentence.verdict.evidence,
            "reasons": list(sentence.verdict.reasons),
            "marks": [
                {"marker": m.marker, "resolves": m.passage is not None, "precise": m.precise} for m in sentence.marks
            ],
            "elsewhere": list(sentence.elsewhere),
        }
        for sentence in article.sentences
    ]
