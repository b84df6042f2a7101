"""Retrievers on six collections, each tested against BM25: dense as shipped or adapted, sparse, hybrid, reranked.

    python benchmarks/retriever_training.py [--sets scifact med] [--retrievers bm25 sparse] [--queries 500]

Sparse parts are added to copies of the indexes in `.bench/`, which `benchmarks/retrieval.py` and `writing.py` build.
`wikigenbench` asks whether a page belongs to the title's article: its queries are the titles, and a page is relevant to
the article that cites it or whose web search found it. `dense adapted` is trained on the collection's own texts
(`webbrain train retriever --kind dense --index`), without a query or judgement of it. Development was on articles and
on training queries of scifact; but the scores of `sparse` on med, cisi and cranfield had been seen when its idf was
changed to count a passage's own terms alone, and when it was decided not to ship it, so those rows are not blind.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from data import CACHE, DATA, RETRIEVAL_SETS, ROOT, require_data, rows

from eval.retrieval import Run, parse_measures, score_rankings
from eval.significance import compare_pairs, holm
from indexing.build import build
from indexing.settings import BuildSettings
from indexing.sparse import add_sparse
from webbrain.batch import run_search
from webbrain.records import read_qrels, read_queries
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index
from webbrain.terminal import BuildBars, count_bar
from webbrain.training.retriever.run import Source, train_retriever
from webbrain.training.retriever.settings import RetrieverSettings
from webbrain.training.retriever.synthetic import SyntheticSettings
from webbrain.types import Qrel, Query

SETS = [*RETRIEVAL_SETS, "wikigenbench"]
MEASURES = "nDCG@10 RR@10 R@100"
SPARSE = str(ROOT / "tests/retriever/terms-minilm")  # see its README
RETRIEVERS = ["bm25", "dense", "dense adapted", "sparse", "hybrid", "hybrid3", "hybrid+maxsim@0.2"]
ADAPT_QUERIES = 400
ADAPTING = RetrieverSettings(kind="dense", batch=16, negatives=1, passage_tokens=128, query_tokens=32, threads=1)
Scores = dict[str, dict[str, float | None]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--retrievers", nargs="+", default=RETRIEVERS)
    parser.add_argument("--queries", type=int, default=500, help="at most so many of a set, spread evenly")
    parser.add_argument("--sparse", default=SPARSE, help="folder of a sparse model")
    parser.add_argument("--label", default="sparse", help="name of the copies that get the sparse part")
    parser.add_argument("--json", type=Path, default=CACHE / "retriever_training.json", help="scores of every query")
    parser.add_argument("--held", action="store_true", help="measure nothing: print what the file of --json holds")
    arguments = parser.parse_args()
    require_data()
    print("| set | retriever | nDCG@10 | RR@10 | R@100 | nDCG@10 against BM25 | p | ms | MB |\n" + "|---" * 9 + "|")
    held: dict[str, dict[str, Scores]] = json.loads(arguments.json.read_text()) if arguments.json.exists() else {}
    for name in arguments.sets:
        queries, qrels = ([], []) if arguments.held else judged(name, arguments.queries)
        for retriever in arguments.retrievers:
            if not arguments.held:
                index = _index(name, retriever, arguments)
                held.setdefault(name, {})[retriever] = measure(index, retriever, queries, qrels)
                arguments.json.write_text(json.dumps(held))
            _print_row(name, retriever, held[name][retriever], held[name])
    _print_means(arguments.sets, arguments.retrievers, held)


def measure(index: Index, name: str, queries: list[Query], qrels: list[Qrel]) -> Scores:
    """Scores by measure and query, with `ms` and `bytes` beside them."""
    retriever = make_retriever(index, name.removesuffix(" adapted"))
    retriever.search("warm up", 10)
    begin = time.process_time()
    run: Run = {}
    for query, lines in count_bar(run_search(index, retriever, queries, 100, "x"), len(queries), name):
        run[query.query_id] = {line.split()[2]: float(line.split()[4]) for line in lines}
    millis = (time.process_time() - begin) * 1000 / len(queries)
    evaluation = score_rankings(run, qrels, parse_measures(MEASURES))
    scores = {one.name: dict(one.values) for one in evaluation.scores}
    return {**scores, "cost": {"ms": millis, "bytes": float(_bytes(index, name))}}


def _print_row(name: str, retriever: str, scores: Scores, held: dict[str, Scores]) -> None:
    means = " | ".join(f"{_mean(scores[measure].values()):.4f}" for measure in MEASURES.split())
    against = "| |"
    if retriever != "bm25" and "bm25" in held:
        found = compare_pairs(held["bm25"]["nDCG@10"], scores["nDCG@10"])
        low, high = (found.interval.low, found.interval.high) if found.interval else (0.0, 0.0)
        against = f"{found.mean:+.4f} [{low:+.4f}, {high:+.4f}] | {'-' if found.p is None else f'{found.p:.4f}'} |"
    cost = scores["cost"]
    print(
        f"| {name} | {retriever} | {means} | {against} {cost['ms']:.1f} | {(cost['bytes'] or 0) / 1e6:.1f} |",
        flush=True,
    )


def _print_means(sets: list[str], retrievers: list[str], held: dict[str, dict[str, Scores]]) -> None:
    """Means over the sets, and Holm's correction over all tests of nDCG@10 against BM25."""
    for retriever in retrievers:
        if all(retriever in held[name] for name in sets):
            found = [_mean(_mean(held[name][retriever][one].values()) for name in sets) for one in MEASURES.split()]
            print(f"| **mean** | {retriever} | " + " | ".join(f"{value:.4f}" for value in found) + " | | | | |")
    tests = [(one, name) for name in sets for one in retrievers if one != "bm25" and one in held[name]]
    found_p = [compare_pairs(held[name]["bm25"]["nDCG@10"], held[name][one]["nDCG@10"]).p for one, name in tests]
    print("\nHolm over these tests: " + ", ".join(
        f"{name} {one} {'-' if p is None else f'{p:.4f}'}" for (one, name), p in zip(tests, holm(found_p), strict=True)
    ))  # fmt: skip


def judged(name: str, limit: int) -> tuple[list[Query], list[Qrel]]:
    """At most `limit` judged queries, spread evenly, with their judgements."""
    if name == "wikigenbench":
        articles = list(rows(DATA / "wikigenbench/articles.jsonl.gz"))
        queries = [Query(str(row["id"]), row["title"]) for row in articles]
        pages = rows(DATA / "wikigenbench/documents.jsonl.gz")
        qrels = [Qrel(str(row["article"]), str(row["id"]), 1) for row in pages]
    else:
        qrels = read_qrels(RETRIEVAL_SETS[name] / "qrels.tsv")
        queries = list(read_queries(RETRIEVAL_SETS[name] / "queries.jsonl.gz"))
    judged = {qrel.query_id for qrel in qrels}
    kept = [query for query in queries if query.query_id in judged]
    kept = kept[:: max(1, -(-len(kept) // limit))]
    wanted = {query.query_id for query in kept}
    return kept, [qrel for qrel in qrels if qrel.query_id in wanted]


def _index(name: str, retriever: str, arguments: argparse.Namespace) -> Index:
    plain = CACHE / name
    if retriever == "dense adapted":
        return Index.open(_adapted(name))
    if "sparse" not in retriever and "hybrid3" not in retriever:
        return Index.open(plain)
    folder = CACHE / arguments.label / name
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        shutil.copytree(plain, folder, copy_function=os.link)
        (folder / "CURRENT").unlink()
        shutil.copyfile(plain / "CURRENT", folder / "CURRENT")
    with BuildBars() as progress:
        add_sparse(folder, arguments.sparse, progress=progress)
    return Index.open(folder)


def _adapted(name: str) -> Path:
    """An index of the collection by an encoder trained on its own texts."""
    run, folder = CACHE / "adapted" / f"{name}-run", CACHE / "adapted" / name
    if not (run / "report.json").exists():
        source = Source(index=CACHE / name, synthetic=SyntheticSettings(queries=ADAPT_QUERIES))
        train_retriever(source, run, ADAPTING, resume=(run / "config.json").exists())
    corpus = (
        DATA / "wikigenbench/documents.jsonl.gz"
        if name == "wikigenbench"
        else RETRIEVAL_SETS[name] / "passages.jsonl.gz"
    )
    with BuildBars() as progress:
        build(corpus, folder, BuildSettings(encoder=str(run / "model")), progress=progress)
    return folder


def _bytes(index: Index, retriever: str) -> int:
    """What the files take that this retriever reads, passages left out."""
    parts = {"bm25": ("bm25",), "dense": ("dense", "encoder"), "sparse": ("sparse",)}
    parts |= {"hybrid": ("bm25", "dense", "encoder"), "hybrid3": ("bm25", "dense", "encoder", "sparse")}
    wanted = parts[retriever.removesuffix(" adapted").partition("+")[0]]
    return sum(entry.bytes for path, entry in index.manifest.files.items() if path.split("/")[0] in wanted)


def _mean(values: Iterable[float | None]) -> float:
    found = [value or 0.0 for value in values]
    return sum(found) / max(len(found), 1)


if __name__ == "__main__":
    main()
