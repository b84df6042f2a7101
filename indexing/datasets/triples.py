"""WebBrain-R: the corpus of passages, and per query its positives and its BM25 negatives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from webbrain.store.index import Index

from .settings import SPLITS, DatasetSettings
from .stage import json_line
from .supports import SupportTable
from .text import one_line

DROP_OVERLAP = 0.5  # an index passage that shares more of itself with a supporting passage gives way to it
FILL_TRIES = 100


def write_corpus(path: Path, index: Index, supports: SupportTable, counts: Counter[str]) -> NDArray[np.bool_]:
    """Rows {"id", "title", "contents"}: supporting passages, and the index's passages that do not repeat one.

    Returns which rows of the index were left out, shape (rows,).
    """
    dropped = np.zeros(len(index), np.bool_)
    with path.open("w", encoding="utf-8") as out:
        for start, shard in zip(index.starts, index.passages, strict=False):
            documents = [shard.document_of(row) for row in range(len(shard))]
            for number, rows in groupby(range(len(shard)), key=documents.__getitem__):
                document = shard.document(number)
                spans = supports.of(document.doc_id)
                for row in rows:
                    passage = shard.passage(row)
                    dropped[start + row] = any(_shares(passage.start, passage.end, span) for span in spans)
                    if not dropped[start + row]:
                        _write(out, passage.passage_id, document.title, passage.text)
                for begin, end in spans:
                    _write(out, f"{document.doc_id}@{begin}-{end}", document.title, document.text[begin:end])
                counts["corpus_supports"] += len(spans)
    counts["corpus"] = int(len(index) - dropped.sum()) + counts["corpus_supports"]
    return dropped


def write_triples(
    folder: Path,
    rows: Iterable[dict[str, Any]],
    index: Index,
    dropped: NDArray[np.bool_],
    settings: DatasetSettings,
    counts: Counter[str],
) -> None:
    """`<split>.tsv`: qid, query, a positive, then the negatives; one line for each positive of a query."""
    with ExitStack() as stack:
        files: dict[str, IO[str]] = {
            split: stack.enter_context((folder / f"{split}.tsv").open("w", encoding="utf-8")) for split in SPLITS
        }
        for row in rows:
            counts[f"queries/{row['split']}"] += 1
            for line in _lines(row, index, dropped, settings, counts):
                files[row["split"]].write(line)


def _lines(
    row: dict[str, Any], index: Index, dropped: NDArray[np.bool_], settings: DatasetSettings, counts: Counter[str]
) -> Iterator[str]:
    gold = row["gold"]
    chance = random.Random(f"{settings.seed}:negatives:{gold['id']}")
    positives = [f"{doc_id}@{start}-{end}" for doc_id, start, end in row["supports"]]
    banned = {gold["id"], *(doc_id for doc_id, _, _ in row["supports"])}
    for positive in positives:
        negatives = _negatives(row["negative_rows"], index, dropped, banned, settings.negatives, chance)
        counts["negatives_filled"] += _count_filled(negatives, row["negative_rows"])
        ids = [index.passage(number).passage_id for number in negatives]
        yield "\t".join([_cell(gold["id"]), _cell(gold["title"]), *map(_cell, [positive, *ids])]) + "\n"


def _negatives(
    rows: list[int],
    index: Index,
    dropped: NDArray[np.bool_],
    banned: set[str],
    wanted: int,
    chance: random.Random,
) -> list[int]:
    """Rows drawn at random from `rows`; where a rare title has too few, from the whole corpus. None is of a document
    that supports the query, or of the query's own."""
    found: list[int] = []
    drawn = chance.sample(rows, len(rows))
    for row in [*drawn, *(chance.randrange(len(index)) for _ in range(FILL_TRIES))]:
        if len(found) == wanted:
            break
        if not dropped[row] and row not in found and not _is_banned(index.passage(row).doc_id, banned):
            found.append(row)
    return found


def _is_banned(doc_id: str, banned: set[str]) -> bool:
    """Whether the document is one of the query's own: of a WebBrain-Raw page, `<page>#ref<n>`."""
    return doc_id in banned or doc_id.rpartition("#ref")[0] in banned


def _count_filled(negatives: list[int], rows: list[int]) -> int:
    ranked = set(rows)
    return sum(row not in ranked for row in negatives)


def _shares(start: int, end: int, span: tuple[int, int]) -> bool:
    shared = min(end, span[1]) - max(start, span[0])
    return shared > DROP_OVERLAP * (end - start)


def _write(out: IO[str], passage_id: str, title: str, text: str) -> None:
    out.write(json_line({"id": passage_id, "title": title, "contents": one_line(text)}))


def _cell(text: str) -> str:
    """Text as one column: no tabs or newlines."""
    return one_line(text)
