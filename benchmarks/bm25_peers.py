"""Our BM25 beside tantivy, bm25s and rank-bm25: time to build, time to query, and how far the top tens agree.

    python benchmarks/bm25_peers.py [--queries 200]

All of them index the same passages (those of our own index of `squad1.1_train`) by our terms; tantivy also by its own
English analyzer, which keeps stop words. Each runs in this one process on one
thread, one after the other: read the ratios, not the times. Our build is all that `webbrain index build --no-dense`
does (reading, cleaning, folding duplicates, cutting, hashing, flushing to disk); `of that, the postings` is the part
that compares with the others.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from data import RETRIEVAL_SETS, require_data

from indexing.build import build
from indexing.postings import PostingsWriter
from indexing.settings import BuildSettings
from indexing.terms import TermCounter
from webbrain.analysis import Analyzer, is_stop
from webbrain.records import read_queries
from webbrain.retrieval.bm25 import Bm25Retriever
from webbrain.store.index import Index
from webbrain.store.passages import indexed_text

K1, B, TOP = 1.2, 0.75, 10
Search = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Engine:
    """`build_s` seconds to index, `search` the best rows for a query; `queries` bounds how many a slow one is asked."""

    name: str
    build_s: float
    search: Search
    queries: int | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=200)
    arguments = parser.parse_args()
    require_data()
    corpus = RETRIEVAL_SETS["squad1.1_train"]
    queries = [query.text for query in read_queries(corpus / "queries.jsonl.gz")][: arguments.queries]
    with tempfile.TemporaryDirectory() as folder:
        ours, index = _webbrain(corpus / "passages.jsonl.gz", Path(folder))
        texts = [indexed_text(one.title, one.text) for one in map(index.passage, range(len(index)))]
        print(f"{len(texts):,} passages, {len(queries)} queries, top {TOP}\n")
        engines = [
            ours,
            _postings(texts, Path(folder)),
            *(make(texts) for make in (_tantivy, _tantivy_own, _bm25s, _rank_bm25)),
        ]
        _report(engines, queries)


def _report(engines: Sequence[Engine], queries: Sequence[str]) -> None:
    print("| engine | build s | x ours | ms a query | x ours | top ten shared with ours |\n|---|---|---|---|---|---|")
    first: tuple[float, float] | None = None
    expected: list[list[int]] = []
    for engine in engines:
        asked = queries[: engine.queries]
        begin = time.perf_counter()
        found = [engine.search(query) for query in asked]
        millis = (time.perf_counter() - begin) * 1000 / max(len(asked), 1)
        if first is None:
            first, expected = (engine.build_s, millis), found
        shared = np.mean([len(set(a) & set(b)) / max(len(a), 1) for a, b in zip(expected, found, strict=False)])
        searching = f"{millis:.2f} | {millis / first[1]:.2f} | {shared:.3f}" if any(found) else "| | "
        print(f"| {engine.name} | {engine.build_s:.1f} | {engine.build_s / first[0]:.2f} | {searching} |", flush=True)


def _webbrain(corpus: Path, folder: Path) -> tuple[Engine, Index]:
    begin = time.perf_counter()
    build(corpus, folder / "index", BuildSettings(encoder=None), threads=1)
    seconds = time.perf_counter() - begin
    index = Index.open(folder / "index")
    retriever = Bm25Retriever(index)
    return Engine("webbrain", seconds, lambda query: [row for row, _ in retriever.rows(query, TOP)]), index


def _postings(texts: Sequence[str], folder: Path) -> Engine:
    (folder / "bm25").mkdir()
    begin = time.perf_counter()
    counter, writer = TermCounter(Analyzer()), PostingsWriter()
    for text in texts:
        counter.add(text.encode())
    writer.take(counter.take(), 0, len(texts))
    writer.write(folder, 0)
    return Engine("of that, the postings", time.perf_counter() - begin, lambda query: [])


def _terms(analyzer: Analyzer, text: str) -> list[str]:
    return [term for term in analyzer.terms(text) if not is_stop(term)]


def _tantivy(texts: Sequence[str]) -> Engine:
    analyzer = Analyzer()
    index = partial(_tantivy_index, texts, "whitespace", lambda text: " ".join(_terms(analyzer, text)))
    return _tantivy_engine("our terms", index, lambda query: " ".join(analyzer.query_terms(query)))


def _tantivy_own(texts: Sequence[str]) -> Engine:
    return _tantivy_engine("its analyzer", partial(_tantivy_index, texts, "en_stem", str), str)


def _tantivy_index(texts: Sequence[str], tokenizer: str, prepare: Callable[[str], str]) -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", stored=True)
    builder.add_text_field("text", tokenizer_name=tokenizer, index_option="freq")
    index = tantivy.Index(builder.build())
    writer = index.writer(heap_size=256 << 20, num_threads=1)
    for row, text in enumerate(texts):
        writer.add_document(tantivy.Document(row=row, text=prepare(text)))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def _tantivy_engine(what: str, make: Callable[[], Any], prepare: Callable[[str], str]) -> Engine:
    begin = time.perf_counter()
    index = make()
    seconds = time.perf_counter() - begin
    searcher = index.searcher()

    def search(query: str) -> list[int]:
        parsed, _ = index.parse_query_lenient(prepare(query), ["text"])
        return [searcher.doc(address)["row"][0] for _, address in searcher.search(parsed, TOP).hits]

    return Engine(f"tantivy {version('tantivy')}, {what}", seconds, search)


def _bm25s(texts: Sequence[str]) -> Engine:
    import bm25s

    analyzer = Analyzer()
    begin = time.perf_counter()
    model = bm25s.BM25(method="lucene", k1=K1, b=B)
    model.index([_terms(analyzer, text) for text in texts], show_progress=False)
    seconds = time.perf_counter() - begin

    def search(query: str) -> list[int]:
        wanted = [term for term in analyzer.query_terms(query) if term in model.vocab_dict]
        if not wanted:
            return []
        rows, _ = model.retrieve([wanted], k=TOP, show_progress=False, n_threads=1)
        return [int(row) for row in rows[0]]

    return Engine(f"bm25s {version('bm25s')} (numpy)", seconds, search)


def _rank_bm25(texts: Sequence[str]) -> Engine:
    from rank_bm25 import BM25Okapi

    analyzer = Analyzer()
    begin = time.perf_counter()
    model: Any = BM25Okapi([_terms(analyzer, text) for text in texts], k1=K1, b=B)
    seconds = time.perf_counter() - begin

    def search(query: str) -> list[int]:
        scores = model.get_scores(analyzer.query_terms(query))
        return [int(row) for row in np.argsort(-scores, kind="stable")[:TOP]]

    return Engine("rank-bm25 (Okapi)", seconds, search, queries=40)


if __name__ == "__main__":
    main()
