"""What it costs to keep an index up to date, against building it again.

    python benchmarks/incremental.py [--documents 10000] [--encoder NAME] [--changed 0.01]

Wikipedia articles of `../shared/data` (see its README). Built once; then updated after a share of them was edited, as
many are new and as many gone; then single documents are added and removed, and the index is compacted. Times are
wall-clock seconds of the calls; bytes are those that the new build adds to the disk. The updated index is compared with
a rebuilt one: passages and BM25 scores.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexing.build import build
from indexing.compact import compact
from indexing.settings import BuildSettings
from indexing.update import add, remove, update
from webbrain.retrieval import make_retriever
from webbrain.store.index import Index

ARTICLES = Path(__file__).parents[2] / "shared/data/articles/core.jsonl.gz"
QUERIES = ("Eiffel Tower", "steam engine", "the history of mathematics", "1796 vaccine", "river in Germany")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--encoder", help="none by default")
    parser.add_argument("--changed", type=float, default=0.01)
    arguments = parser.parse_args()
    if not ARTICLES.exists():
        sys.exit(f"{ARTICLES} is not here; this benchmark reads it")
    with tempfile.TemporaryDirectory() as name:
        run(Path(name), arguments.documents, arguments.encoder, arguments.changed)


def run(folder: Path, documents: int, encoder: str | None, changed: float) -> None:
    few = int(documents * changed)
    rows = articles(documents + few)
    corpus, output, settings = folder / "c.jsonl", folder / "i", BuildSettings(encoder=encoder)
    write(corpus, rows[:documents])
    report("build", output, lambda: build(corpus, output, settings))
    report("update, nothing changed", output, lambda: update(touched(corpus), output))
    edited = [
        row | {"text": row["text"] + " An edit."} if n % (documents // few) == 0 else row for n, row in enumerate(rows)
    ]
    write(corpus, edited[few:])
    report(f"update, {few} edited, {few} new, {few} gone", output, lambda: update(corpus, output))
    report("rebuild of the same", folder / "again", lambda: build(corpus, folder / "again", settings))
    print("equal to the rebuilt index:", scores(output) == scores(folder / "again"))
    write(folder / "one.jsonl", [{"id": "one", "text": "One more page about nothing in particular."}])
    report("add 1", output, lambda: add(folder / "one.jsonl", output))
    report("remove 1", output, lambda: remove(output, ["one"]))
    report("compact", output, lambda: compact(output))
    print("equal to the rebuilt index:", scores(output) == scores(folder / "again"))


def articles(number: int) -> list[dict[str, Any]]:
    with gzip.open(ARTICLES, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for _, line in zip(range(number), lines, strict=False)]
    return [{"id": str(n), "title": row["title"], "text": row["text"]} for n, row in enumerate(rows)]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def touched(corpus: Path) -> Path:
    """The corpus with an empty line more: another state, in which no record changed."""
    with corpus.open("a", encoding="utf-8") as file:
        file.write("\n")
    return corpus


def report(what: str, output: Path, change: Callable[[], Any]) -> None:
    before, begin = used(output), time.perf_counter()
    change()
    seconds = time.perf_counter() - begin
    print(f"{what:42} {seconds:8.2f} s {(used(output) - before) / 1e6:9.1f} MB", flush=True)


def used(folder: Path) -> int:
    """Bytes on disk, a file with several names once."""
    return sum({info.st_ino: info.st_size for info in (path.stat() for path in folder.rglob("*"))}.values())


def scores(output: Path) -> dict[str, dict[str, float]]:
    index = Index.open(output)
    retriever = make_retriever(index, "bm25")
    return {query: {hit.passage.passage_id: hit.score for hit in retriever.search(query, 100_000)} for query in QUERIES}


if __name__ == "__main__":
    main()
