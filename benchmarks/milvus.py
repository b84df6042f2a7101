"""Milvus as the serving back end against the index's own retrievers: export rate, quality, agreement and latency.

    python benchmarks/milvus.py [--set scifact] [--uri FILE_OR_URL] [--queries 300]

Without `--uri` it is milvus-lite in this process, which is slow and no measure of a cluster; the ranking is what counts
here. The index is a copy of `.bench/SET` (made by `benchmarks/retrieval.py`) in `.bench/milvus-SET`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import time

import ir_measures
from data import CACHE, RETRIEVAL_SETS, require_data
from ir_measures import R, nDCG

from indexing.export import export
from webbrain.protocols import Retriever
from webbrain.records import read_qrels, read_queries
from webbrain.retrieval import make_retriever
from webbrain.retrieval.fusion import ReciprocalRank
from webbrain.retrieval.hybrid import HybridRetriever
from webbrain.retrieval.ranking import best_passage_per_document
from webbrain.store.index import Index
from webbrain.terminal import BuildBars
from webbrain.types import Qrel, Query, ScoredPassage

PAIRS = (("bm25", "milvus-bm25"), ("dense", "milvus-dense"), ("hybrid, reciprocal rank", "milvus"))
DEPTH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=list(RETRIEVAL_SETS), default="scifact")
    parser.add_argument("--uri")
    parser.add_argument("--queries", type=int, default=300)
    arguments = parser.parse_args()
    require_data()
    index = _exported(arguments.set, arguments.uri)
    qrels = read_qrels(RETRIEVAL_SETS[arguments.set] / "qrels.tsv")
    judged = {qrel.query_id for qrel in qrels}
    asked = (query for query in read_queries(RETRIEVAL_SETS[arguments.set] / "queries.jsonl.gz"))
    queries = [query for query in asked if query.query_id in judged][: arguments.queries]
    print(
        "| retriever | nDCG@10 | R@100 | overlap@10 with the index's own | p50 ms | p95 ms |\n|---|---|---|---|---|---|"
    )
    for own, other in PAIRS:
        expected: dict[str, list[ScoredPassage]] = {}
        for name in (own, other):
            found, times = _search(_retriever(index, name), queries)
            expected = expected or found
            same = statistics.mean(_overlap(found[query], expected[query]) for query in found)
            ndcg, recall = _quality(found, qrels)
            p50, p95 = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
            print(f"| {name} | {ndcg:.4f} | {recall:.4f} | {same:.3f} | {p50:.1f} | {p95:.1f} |", flush=True)


def _exported(name: str, uri: str | None) -> Index:
    source, folder = CACHE / name, CACHE / f"milvus-{name}"
    if not (source / "CURRENT").exists():
        sys.exit(f"there is no {source}; run `python benchmarks/retrieval.py --sets {name}` first")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, copy_function=os.link)
    index = Index.open(folder)
    begin = time.perf_counter()
    with BuildBars() as progress:
        report = export(index, uri or str(folder / "milvus.db"), f"bench_{name}".replace(".", "_"), progress)
    seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    again = export(index, uri or str(folder / "milvus.db"), f"bench_{name}".replace(".", "_"))
    repeated = time.perf_counter() - begin
    print(f"{name}: {report.written} passages exported in {seconds:.1f} s ({report.written / seconds:.0f} a second); ")
    print(
        f"again: {again.written} written, {again.kept} kept, {again.deleted} deleted in {repeated:.1f} s\n", flush=True
    )
    return index


def _retriever(index: Index, name: str) -> Retriever:
    return HybridRetriever(index, ReciprocalRank()) if name.startswith("hybrid") else make_retriever(index, name)


def _search(retriever: Retriever, queries: list[Query]) -> tuple[dict[str, list[ScoredPassage]], list[float]]:
    """Hits by query, and milliseconds of each search, the first left out."""
    retriever.search(queries[0].text, 10)
    found, times = {}, []
    for query in queries:
        begin = time.perf_counter()
        found[query.query_id] = retriever.search(query.text, 1000)
        times.append((time.perf_counter() - begin) * 1000)
    return found, times


def _overlap(one: list[ScoredPassage], two: list[ScoredPassage]) -> float:
    rows = {hit.row for hit in two[:10]}
    return len(rows & {hit.row for hit in one[:10]}) / max(len(rows), 1)


def _quality(found: dict[str, list[ScoredPassage]], qrels: list[Qrel]) -> tuple[float, float]:
    run = [
        ir_measures.ScoredDoc(query, hit.passage.doc_id, -float(rank))
        for query, hits in found.items()
        for rank, hit in enumerate(best_passage_per_document(hits)[:DEPTH])
    ]
    truth = [ir_measures.Qrel(q.query_id, q.doc_id, q.relevance) for q in qrels if q.query_id in found]
    values = ir_measures.calc_aggregate([nDCG @ 10, R @ 100], truth, run)
    return values[nDCG @ 10], values[R @ 100]


if __name__ == "__main__":
    main()
