"""Rankings against judgements, by ir_measures (MacAvaney et al., 2022), which calls pytrec_eval (trec_eval)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from webbrain.errors import ConfigError, CorpusError
from webbrain.extras import needs
from webbrain.records import read_qrels, read_run
from webbrain.types import Qrel

from .core import Evaluation, Scores

if TYPE_CHECKING:
    from ir_measures import Measure as IrMeasure

DEFAULT_MEASURES = "nDCG@10 RR@10 AP P@10 R@100"
Run = dict[str, dict[str, float]]


def evaluate_retrieval(run: Path | str, qrels: Path | str, measures: str = DEFAULT_MEASURES) -> Evaluation:
    """Scores of a TREC run against judgements; `measures` as ir_measures writes them, parted by spaces or commas.

    Raises CorpusError for a malformed file or one without a line, ConfigError for an unknown measure.
    """
    wanted = parse_measures(measures)
    judgements = read_qrels(qrels)
    if not judgements:
        raise CorpusError("there is no judgement in it; give a qrels file", qrels)
    return score_rankings(_read_rankings(run), judgements, wanted)


def score_rankings(run: Run, qrels: Sequence[Qrel], measures: Mapping[str, IrMeasure]) -> Evaluation:
    """Scores per judged query, of measures by name.

    As in trec_eval, a query without a relevant document scores 0, and so does one that the run lacks.
    """
    with needs("eval"):
        from ir_measures import DefaultPipeline, ScoredDoc
        from ir_measures import Qrel as IrQrel

    judged = list(dict.fromkeys(qrel.query_id for qrel in qrels))
    values: dict[IrMeasure, dict[str, float]] = {measure: {} for measure in measures.values()}
    docs = [ScoredDoc(query_id, doc_id, score) for query_id in run for doc_id, score in trec_order(run[query_id])]
    judgements = [IrQrel(qrel.query_id, qrel.doc_id, qrel.relevance) for qrel in qrels]
    for metric in DefaultPipeline.iter_calc(list(values), judgements, docs):
        values[metric.measure][metric.query_id] = float(metric.value)
    scores = (
        Scores(name, {query_id: values[measure][query_id] for query_id in judged}) for name, measure in measures.items()
    )
    missing = tuple(query_id for query_id in judged if not run.get(query_id))
    known = set(judged)
    left_out = tuple(query_id for query_id in run if query_id not in known)
    return Evaluation(tuple(scores), missing, left_out)


def trec_order(hits: dict[str, float]) -> list[tuple[str, float]]:
    """(doc id, score) pairs in trec_eval's order, with scores that leave no tie for anyone to break another way.

    trec_eval keeps scores in single precision and puts the higher document id first in a tie; the providers of
    ir_measures differ in that (its RR@k comes from the MS MARCO script, which puts the lower id first).
    """
    ranked = sorted(sorted(hits, reverse=True), key=lambda doc_id: -_single(hits[doc_id]))
    return [(doc_id, float(len(ranked) - place)) for place, doc_id in enumerate(ranked)]


def parse_measures(text: str) -> dict[str, IrMeasure]:
    """Measures of ir_measures by the name they are given ("MAP" stays "MAP"); raises ConfigError for an unknown one."""
    names = text.replace(",", " ").split()
    if not names:
        raise ConfigError(f'name at least one measure, such as "{DEFAULT_MEASURES}"')
    return {name: _parse_measure(name) for name in names}


def _parse_measure(name: str) -> IrMeasure:
    with needs("eval"):
        import ir_measures

    hint = f'measures are written as in ir_measures, such as "{DEFAULT_MEASURES}"'
    try:
        measure = ir_measures.parse_measure(name)
        supported = bool(ir_measures.DefaultPipeline.supports(measure))  # type: ignore[no-untyped-call]
    except (ValueError, NameError, KeyError, AssertionError, TypeError) as error:
        raise ConfigError(f"unknown measure {name!r}; {hint}") from error
    is_mean = isinstance(measure.aggregator(), ir_measures.MeanAgg)
    if not (supported and is_mean) or measure.params.get("cutoff") == 0:
        raise ConfigError(f"measure {name!r} cannot be computed here; {hint}")
    return measure


def _read_rankings(path: Path | str) -> Run:
    run: Run = {}
    for query_id, doc_id, score in read_run(path):
        hits = run.setdefault(query_id, {})
        if doc_id in hits:
            raise CorpusError(f"document {doc_id!r} comes twice for query {query_id!r}; keep its best line", path)
        hits[doc_id] = score
    return run


def _single(score: float) -> float:
    """The score in single precision, as infinite where it is too large for that."""
    try:
        rounded: float = struct.unpack("f", struct.pack("f", score))[0]
    except OverflowError:
        return float("inf") if score > 0 else float("-inf")
    return rounded
