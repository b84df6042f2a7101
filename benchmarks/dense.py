"""Searching vectors: exhaustively, and in lists of growing number; recall@10 against the first, milliseconds a query.

    python benchmarks/dense.py [--passages 25000 100000 250000] [--hnsw]
    python benchmarks/dense.py --index .bench/squad1.1_train

The vectors are static ones of the passages of `../shared/data/articles`, kept in `.bench/`, or those of an index. One
thread; the queries are titles and sentences, as in `indexing/lists.py`, whose code builds and searches everything here.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
from data import CACHE, DATA, require_data, rows

from indexing.chunk import ChunkSettings, chunk
from indexing.lists import _in_lists, _measure, _train, write_codes
from indexing.vectors import write_faiss
from webbrain.encoding.encoder import OnnxEncoder, package_encoder
from webbrain.models import resolve
from webbrain.retrieval.dense import exact_rows, near_rows
from webbrain.store import layout
from webbrain.store.index import Index
from webbrain.store.lists import Lists
from webbrain.terminal import count_bar

SHARD = 50_000
QUERIES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", nargs="+", type=int, default=[25_000, 100_000, 250_000])
    parser.add_argument("--index", type=Path, help="vectors of this index instead")
    parser.add_argument("--hnsw", action="store_true", help="measure a graph for each shard too")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    if options.index:
        index = Index.open(options.index)
        vectors = np.concatenate([shard.reconstruct_n(0, shard.ntotal) for shard in index.vectors])
        queries = index.encoder.encode(_queries(index))
        sizes = [len(vectors)]
    else:
        vectors, queries = _articles(max(options.passages))
        sizes = options.passages
    print("| passages | search | build s | bytes a vector | recall@10 | ms a query |\n|---|---|---|---|---|---|")
    for size in sizes:
        _lists(vectors[:size], queries)
        if options.hnsw:
            _hnsw(vectors[:size], queries)


def _lists(vectors: Any, queries: Any) -> None:
    size, begin = f"{len(vectors):,}", time.process_time()
    shards = [_flat(vectors[at : at + SHARD]) for at in range(0, len(vectors), SHARD)]
    starts = [0, *np.cumsum([shard.ntotal for shard in shards]).tolist()]
    live = [None] * len(shards)
    build = time.process_time() - begin
    millis = _millis(lambda query: exact_rows(shards, starts, query, 10, live), queries)
    print(f"| {size} | exact, fp16 | {build:.1f} | {2 * vectors.shape[1]} | 1 | {millis:.2f} |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder, begin = Path(name), time.process_time()
        (folder / layout.TRAINED).parent.mkdir()
        trained = _train(shards)
        write_faiss(trained, folder / layout.TRAINED)
        training = time.process_time() - begin
        lists = Lists(trained, [_in_lists(folder, shard) for shard in shards])
        build = time.process_time() - begin
        write_codes(lists.shards[0], folder / "codes", folder / "places.npy")
        extra = sum((folder / name).stat().st_size for name in ("codes", "places.npy")) / shards[0].ntotal
    print(f"| {size} | (training {lists.lists} lists) | {training:.1f} | | | |")
    for probes, recall in _measure(shards, lists, queries):
        millis = _millis(partial(_near, shards, starts, lists, probes, live), queries)
        size_of = f"{2 * vectors.shape[1]} + {extra:.0f}"
        print(f"| {size} | {probes} of {lists.lists} lists | {build:.1f} | {size_of} | {recall:.3f} | {millis:.2f} |")


def _near(shards: Any, starts: Any, lists: Lists, probes: int, live: Any, query: Any) -> Any:
    return near_rows(shards, starts, query, 10, lists, probes, live)


def _hnsw(vectors: Any, queries: Any) -> None:
    """What was not taken: a graph over each shard, for lists of ten and for the thousand that hybrid search reads."""
    begin, dim = time.process_time(), vectors.shape[1]
    graphs = []
    for at in range(0, len(vectors), SHARD):
        graph: Any = faiss.IndexHNSWSQ(dim, cast(Any, faiss.ScalarQuantizer.QT_fp16), 16, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = 80
        graph.train(vectors[:1])
        graph.add(vectors[at : at + SHARD].astype(np.float32))
        graphs.append(graph)
    build = time.process_time() - begin
    exact = [set(np.argpartition(-(vectors @ query), 10)[:10]) for query in queries.astype(vectors.dtype)]
    for breadth, k in ((64, 10), (128, 10), (256, 10), (1000, 1000)):
        options = cast(Any, faiss).SearchParametersHNSW(efSearch=breadth)

        def search(query: Any, k: int = k, options: Any = options) -> list[tuple[float, int]]:
            found = [graph.search(query, k, params=options) for graph in graphs]
            pairs = [(-s, n * SHARD + i) for n, (ss, ii) in enumerate(found) for s, i in zip(ss[0], ii[0], strict=True)]
            return sorted(pairs)[:k]

        near = [{row for _, row in search(query[None])[:10]} for query in queries]
        recall = float(np.mean([len(a & b) / 10 for a, b in zip(near, exact, strict=True)]))
        label, size_of = f"graph, ef {breadth}, k {k}", f"{2 * dim} + 144"
        millis = _millis(search, queries)
        print(f"| {len(vectors):,} | {label} | {build:.1f} | {size_of} | {recall:.3f} | {millis:.2f} |", flush=True)


def _flat(vectors: Any) -> Any:
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors.astype(np.float32))
    return index


def _millis(search: Callable[[Any], object], queries: Any) -> float:
    """Processor time: the machine is shared."""
    begin = time.process_time()
    for query in queries:
        search(query[None])
    return (time.process_time() - begin) * 1000 / len(queries)


def _articles(most: int) -> tuple[Any, Any]:
    """(vectors float16 of shape (most, dim), queries float32) of the articles' passages."""
    require_data()
    kept = CACHE / f"dense-static-{most}.npz"
    if not kept.exists():
        folder = Path(tempfile.mkdtemp())
        package_encoder(resolve("static"), folder)
        encoder = OnnxEncoder(folder)
        texts, titles = [], []
        for title, text in count_bar(_passages(most), most, "encoding"):
            texts.append(encoder.encode([f"{title}. {text}"])[0].astype(np.float16))
            titles.append((title, text))
        step = len(titles) // QUERIES
        asked = [title if n % 2 else _sentence(text) for n, (title, text) in enumerate(titles[::step][:QUERIES])]
        np.savez(kept, vectors=np.stack(texts), queries=encoder.encode(asked))
    with np.load(kept) as held:
        return held["vectors"], held["queries"]


def _queries(index: Index) -> list[str]:
    found = [index.passage(row) for row in range(0, len(index), max(len(index) // QUERIES, 1))][:QUERIES]
    return [one.title if n % 2 and one.title else _sentence(one.text) for n, one in enumerate(found)]


def _sentence(text: str) -> str:
    pieces = [piece for piece in text.split(". ") if len(piece) > 20] or [text]
    return pieces[len(pieces) // 2]


def _passages(most: int) -> Iterator[tuple[str, str]]:
    count = 0
    for name in ("core", "longtail"):
        for row in rows(DATA / f"articles/{name}.jsonl.gz"):
            for span in chunk(row["text"], ChunkSettings()):
                yield row["title"], row["text"][span.start : span.end]
                count += 1
                if count == most:
                    return


if __name__ == "__main__":
    main()
