"""Retrieval measures agree with trec_eval's definitions, ties included, whichever provider ir_measures takes."""

from __future__ import annotations

import math

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.retrieval import parse_measures, score_rankings, trec_order
from webbrain.types import Qrel

DOCS = [f"d{number}" for number in range(8)]
QUERIES = ["q1", "q2", "q3"]
# Few distinct scores, so that ties are common; 1 and 1 + 1e-9 are one number in single precision.
hits = st.dictionaries(st.sampled_from(DOCS), st.sampled_from([0.5, 1.0, 1.0 + 1e-9, 2.0, -3.25]), max_size=8)
runs = st.dictionaries(st.sampled_from([*QUERIES, "unjudged"]), hits, max_size=4)
grades = st.dictionaries(st.sampled_from(DOCS), st.integers(0, 3), min_size=1, max_size=8)
judgements = st.dictionaries(st.sampled_from(QUERIES), grades, min_size=1)
Run = dict[str, dict[str, float]]
Grades = dict[str, dict[str, int]]


def by_hand(ranking: list[str], grades: dict[str, int]) -> dict[str, float]:
    relevant = {doc for doc, grade in grades.items() if grade > 0}
    ranks = [rank for rank, doc in enumerate(ranking, 1) if doc in relevant]
    gain = sum(grades.get(doc, 0) / math.log2(rank + 1) for rank, doc in enumerate(ranking[:3], 1))
    ideal = sum(grade / math.log2(rank + 1) for rank, grade in enumerate(sorted(grades.values(), reverse=True)[:3], 1))
    first = ranks[0] if ranks else math.inf
    gold = max(len(relevant), 1)
    return {
        "nDCG@3": gain / ideal if ideal else 0.0,
        "RR": 1 / first,
        "RR@2": 1 / first if first <= 2 else 0.0,
        "AP": sum(found / rank for found, rank in enumerate(ranks, 1)) / gold,
        "P@3": sum(rank <= 3 for rank in ranks) / 3,
        "R@3": sum(rank <= 3 for rank in ranks) / gold,
    }


@settings(deadline=None, max_examples=150)
@given(runs, judgements)
def test_measures_are_trec_evals(run: Run, judged: Grades) -> None:
    qrels = [Qrel(query, doc, grade) for query, found in judged.items() for doc, grade in found.items()]
    found = score_rankings(run, qrels, parse_measures("nDCG@3 RR RR@2 AP P@3 R@3"))
    for query, grades in judged.items():
        ranking = [doc for doc, _ in trec_order(run.get(query, {}))]
        values = {scores.name: scores.values[query] for scores in found.scores}
        assert values == pytest.approx(by_hand(ranking, grades), abs=1e-6)
    assert all(scores.summary().n == len(judged) for scores in found.scores)
    assert set(found.missing) == {query for query in judged if not run.get(query)}
    assert set(found.left_out) == set(run) - set(judged)


@settings(deadline=None, max_examples=100)
@given(hits, grades)
def test_the_order_is_that_of_pytrec_eval(found: dict[str, float], grades: dict[str, int]) -> None:
    """The raw scores, ties and all, given to pytrec_eval rank as our order does."""
    measures = {"map", "recip_rank", "ndcg_cut_3", "P_3", "recall_3"}
    evaluator = pytrec_eval.RelevanceEvaluator({"q": grades}, measures)
    assert evaluator.evaluate({"q": found}) == evaluator.evaluate({"q": dict(trec_order(found))})
