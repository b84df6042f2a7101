"""`webbrain run`: many queries to one output file, resumable after a kill without losing or repeating a query."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from webbrain.errors import ConfigError, CorpusError
from webbrain.protocols import Retriever
from webbrain.records import run_line
from webbrain.retrieval.ranking import best_passage_per_document
from webbrain.store.index import Index
from webbrain.types import Article, Query
from webbrain.writing.render import as_json

# Passages read per document wanted: a document counts once, at its best passage.
PASSAGES_PER_DOCUMENT = 4


def run_search(
    index: Index, retriever: Retriever, queries: Iterable[Query], k: int, tag: str
) -> Iterator[tuple[Query, list[str]]]:
    """Per query the lines of a TREC run of `k` documents; pages folded as duplicates follow the page they are in."""
    for query in queries:
        documents = best_passage_per_document(retriever.search(query.text, k * PASSAGES_PER_DOCUMENT))
        rows: list[tuple[str, float]] = []
        for hit in documents:
            rows.append((hit.passage.doc_id, hit.score))
            rows.extend((alias["doc_id"], hit.score) for alias in index.aliases.get(hit.passage.doc_id, ()))
        ranked = enumerate(rows[:k], start=1)
        yield query, [run_line(query.query_id, doc_id, rank, score, tag) for rank, (doc_id, score) in ranked]


def run_write(write: Callable[[str], Article], queries: Iterable[Query]) -> Iterator[tuple[Query, list[str]]]:
    """Per query one line: its article as JSON with the `query_id`."""
    for query in queries:
        row = {"query_id": query.query_id, **as_json(write(query.text))}
        yield query, [json.dumps(row, ensure_ascii=False)]


def write_output(
    output: Path, results: Callable[[set[str]], Iterator[tuple[Query, list[str]]]], *, task: str, resume: bool
) -> Iterator[Query]:
    """Append the results of the queries that `output` lacks; yields each query when its lines are on disk.

    Raises ConfigError when `output` exists and `resume` is off.
    """
    if output.exists() and not resume:
        raise ConfigError(f"{output} exists; add --resume to go on with it, or give another --output")
    done = _repair(output, task) if output.exists() else set()
    with output.open("a", encoding="utf-8") as file:
        for query, lines in results(done):
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
            yield query


def _repair(output: Path, task: str) -> set[str]:
    """Query ids that are done. Cuts off what a kill left half-written: a torn line, and for a run its last query."""
    done: set[str] = set()
    keep = last_start = 0
    last = ""
    with output.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            query_id = _query_id(line, task, output, number)
            if query_id != last:
                last, last_start = query_id, keep
            done.add(query_id)
            keep += len(line)
    if task == "search" and last:
        keep = last_start
        done.discard(last)
    os.truncate(output, keep)
    return done


def _query_id(line: bytes, task: str, output: Path, number: int) -> str:
    try:
        return str(json.loads(line)["query_id"]) if task == "write" else line.split()[0].decode()
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise CorpusError(f"no line of a `run --task {task}` output; give another --output", output, number) from error
