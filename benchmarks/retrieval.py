"""Retrieval quality of bm25, dense and hybrid on the development collections: nDCG@10 and R@100.

    python benchmarks/retrieval.py [--sets scifact med] [--fusers] [--encoder static] [--dense ivf --recall 0.98]

Indexes are built with default settings and kept in `.bench/`, those of another encoder or kind beside them. Beside each
BM25 score stands the one measured with bm25s and Lucene's formula in the same text (`shared/design/anchors.md`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Literal

import ir_measures
from data import CACHE, RETRIEVAL_SETS, require_data
from ir_measures import R, nDCG

from indexing.build import build
from indexing.settings import BuildSettings
from webbrain.batch import run_search
from webbrain.models import DEFAULT_ENCODER
from webbrain.protocols import Retriever
from webbrain.records import read_qrels, read_queries
from webbrain.retrieval import make_retriever
from webbrain.retrieval.fusion import ReciprocalRank, ScoreSum
from webbrain.retrieval.hybrid import HybridRetriever
from webbrain.store.index import Index
from webbrain.terminal import BuildBars, count_bar

ANCHORS = {
    "scifact": (0.675, 0.897),
    "cranfield": (0.353, 0.730),
    "cisi": (0.401, 0.444),
    "med": (0.690, 0.769),
    "squad1.1_train": (0.805, 0.973),
}
MEASURES = [nDCG @ 10, R @ 100]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(RETRIEVAL_SETS), default=list(RETRIEVAL_SETS))
    parser.add_argument("--fusers", action="store_true", help="compare the fusion methods instead")
    parser.add_argument("--encoder", help="another encoder than the default, such as static")
    parser.add_argument("--dense", choices=["auto", "ivf"], default="auto", help="lists over the vectors")
    parser.add_argument("--recall", type=float, help="what searches in lists are to reach")
    arguments = parser.parse_args()
    require_data()
    print("| set | retriever | nDCG@10 | R@100 | ms a query |\n|---|---|---|---|---|", flush=True)
    sums: dict[str, list[tuple[float, float]]] = {}
    for name in arguments.sets:
        index = _index(name, arguments.encoder, arguments.dense, arguments.recall)
        for label, make in _retrievers(arguments.fusers).items():
            ndcg, recall, millis = _evaluate(name, index, make(index))
            sums.setdefault(label, []).append((ndcg, recall))
            print(f"| {name} | {label} | {ndcg:.4f} | {recall:.4f} | {millis:.1f} |", flush=True)
        if not arguments.fusers:
            print(f"| {name} | (anchor: bm25) | {ANCHORS[name][0]:.3f} | {ANCHORS[name][1]:.3f} | |", flush=True)
    for label, values in sums.items():
        means = [sum(column) / len(values) for column in zip(*values, strict=True)]
        print(f"| **mean** | {label} | {means[0]:.4f} | {means[1]:.4f} | |")


def _retrievers(fusers: bool) -> dict[str, Callable[[Index], Retriever]]:
    if fusers:
        return {
            "hybrid, reciprocal rank": lambda index: HybridRetriever(index, ReciprocalRank()),
            "hybrid, score sum": lambda index: HybridRetriever(index, ScoreSum()),
        }
    return {name: partial(make_retriever, name=name) for name in ("bm25", "dense", "hybrid")}


def _index(name: str, encoder: str | None, dense: Literal["auto", "ivf"], recall: float | None) -> Index:
    settings = BuildSettings(encoder=encoder or DEFAULT_ENCODER, dense_kind=dense)
    kinds = [part.replace("/", "-") for part in (encoder or "", dense.removeprefix("auto")) if part]
    folder = CACHE / "-".join([name, *kinds])
    with BuildBars() as progress:
        build(RETRIEVAL_SETS[name] / "passages.jsonl.gz", folder, settings, progress=progress)
    return Index.open(folder, recall)


def _evaluate(name: str, index: Index, retriever: Retriever) -> tuple[float, float, float]:
    """(nDCG@10, R@100, milliseconds a query) over the queries that have judgements."""
    qrels = read_qrels(RETRIEVAL_SETS[name] / "qrels.tsv")
    judged = {qrel.query_id for qrel in qrels}
    queries = [q for q in read_queries(RETRIEVAL_SETS[name] / "queries.jsonl.gz") if q.query_id in judged]
    begin = time.perf_counter()
    lines = [
        line
        for _, batch in count_bar(run_search(index, retriever, queries, 100, "x"), len(queries), name)
        for line in batch
    ]
    millis = (time.perf_counter() - begin) * 1000 / max(len(queries), 1)
    run = [ir_measures.ScoredDoc(q, d, float(s)) for q, _, d, _, s, _ in (line.split() for line in lines)]
    truth = [ir_measures.Qrel(q.query_id, q.doc_id, q.relevance) for q in qrels]
    found = ir_measures.calc_aggregate(MEASURES, truth, run)
    return found[nDCG @ 10], found[R @ 100], millis


if __name__ == "__main__":
    main()
