"""Our learned-sparse postings beside scipy's CSC matrix and Seismic (Bruch et al., SIGIR 2024): speed, size, overlap.

    pip install pyseismic-lsr scipy
    python benchmarks/sparse_postings.py INDEX QUERIES.jsonl.gz [--queries 300]

All three hold the same weights of an index with a sparse part and answer the same queries, one thread, k = 10.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.sparse import csc_matrix

from webbrain.records import read_queries
from webbrain.retrieval.ranking import top_rows
from webbrain.retrieval.sparse import SparseRetriever
from webbrain.store.index import Index

K = 10
Weights = dict[int, float]
Search = Callable[[Weights], list[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--queries", dest="limit", type=int, default=300)
    arguments = parser.parse_args()
    index = Index.open(arguments.index)
    retriever = SparseRetriever(index)
    queries = [retriever.weights(query.text) for query in read_queries(arguments.queries)][: arguments.limit]
    matrix = _matrix(index, retriever.scale)
    print(f"{matrix.shape[0]:,} passages, {matrix.nnz / matrix.shape[0]:.0f} terms a passage, "
          f"{np.mean([len(one) for one in queries]):.0f} terms a query\n")  # fmt: skip
    print("| postings | build s | MB | ms a query | top ten shared with ours |\n|---|---|---|---|---|")
    ours = sum(entry.bytes for name, entry in index.manifest.files.items() if name.startswith("sparse/0"))
    truth = _row("ours (memory-mapped, uint8)", 0.0, ours, lambda one: _ours(retriever, one), queries, None)
    begin = time.perf_counter()
    columns = csc_matrix(matrix)
    size = columns.data.nbytes + columns.indices.nbytes + columns.indptr.nbytes
    _row("scipy CSC, float32", time.perf_counter() - begin, size, lambda one: _scipy(columns, one), queries, truth)
    _seismic_rows(matrix, queries, truth)


def _row(
    name: str, build: float, size: int, search: Search, queries: list[Weights], truth: list[list[int]] | None
) -> list[list[int]]:
    search(queries[0])
    begin = time.process_time()
    found = [search(query) for query in queries]
    millis = (time.process_time() - begin) * 1000 / len(queries)
    shared = (
        1.0
        if truth is None
        else np.mean([len({*a} & {*b}) / max(len(a), 1) for a, b in zip(truth, found, strict=True)])
    )
    print(f"| {name} | {build:.2f} | {size / 1e6:.1f} | {millis:.2f} | {shared:.3f} |", flush=True)
    return found


def _ours(retriever: SparseRetriever, weights: Weights) -> list[int]:
    found: list[tuple[float, int]] = []
    for shard, start in zip(retriever.index.sparse, retriever.index.starts, strict=False):
        scores = retriever._scores(shard, weights)
        found.extend((float(scores[row]), start + int(row)) for row in top_rows(scores, K))
    return [row for _, row in sorted(found, key=lambda pair: (-pair[0], pair[1]))[:K]]


def _scipy(columns: csc_matrix, weights: Weights) -> list[int]:
    scores = columns[:, list(weights)] @ np.fromiter(weights.values(), np.float32)
    return [int(row) for row in top_rows(scores, K)]


def _seismic_rows(matrix: csc_matrix, queries: list[Weights], truth: list[list[int]]) -> None:
    from seismic import SeismicDataset, SeismicIndex, get_seismic_string

    rows = matrix.tocsr()
    kind = get_seismic_string()
    begin = time.perf_counter()
    dataset = SeismicDataset()
    for row in range(rows.shape[0]):
        part = slice(rows.indptr[row], rows.indptr[row + 1])
        dataset.add_document(str(row), rows.indices[part].astype(kind), rows.data[part].astype(np.float32))
    index = SeismicIndex.build_from_dataset(dataset)
    build = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as folder:
        index.save(str(Path(folder) / "index"))
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    for cut, heap in ((10, 0.8), (20, 0.9), (100, 1.0)):

        def search(one: Weights, cut: int = cut, heap: float = heap) -> list[int]:
            terms, values = np.array([*map(str, one)], kind), np.fromiter(one.values(), np.float32)
            found = index.search("q", terms, values, K, cut, heap)
            return [int(row) for _, _, row in found]

        _row(f"Seismic, query_cut {cut}, heap_factor {heap}", build, size, search, queries, truth)


def _matrix(index: Index, scale: float) -> csc_matrix:
    """All passages' weights, shape (passages, terms)."""
    rows, terms, values = [], [], []
    for shard, start in zip(index.sparse, index.starts, strict=False):
        for term in range(shard.terms):
            held, codes = shard.postings(term)
            rows.append(held.astype(np.int64) + start)
            terms.append(np.full(len(held), term))
            values.append(codes * np.float32(scale))
    shape = (len(index), index.sparse[0].terms)
    return csc_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(terms))), shape=shape)


if __name__ == "__main__":
    main()
