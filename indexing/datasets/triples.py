"""WebBrain-R: the corpus of passages, and per query its positives and its BM25 negatives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from webbrain.store.index import Index
from webbrain.types import Passage

from .settings import SPLITS, DatasetSettings
from .stage import json_line
from .support import span_id
from .supports import SupportTable
from .text import one_line

DROP_OVERLAP = 0.5  # an index passage that shares more of itself with a supporting passage gives way to it
FILL_TRIES = 100


def write_corpus(path: Path, index: Index, supports: SupportTable, counts: Counter[str]) -> None:
    """Rows {"id", "title", "contents"}: supporting passages, and the index's passages that do not repeat one."""
    with path.open("w", encoding="utf-8") as out:
        for shard in index.passages:
            documents = [shard.document_of(row) for row in range(len(shard))]
            for number, rows in groupby(range(len(shard)), key=documents.__getitem__):
                document = shard.document(number)
                spans = supports.of(document.doc_id)
                for passage in map(shard.passage, rows):
                    if _stands_for(passage, spans) is None:
                        counts["corpus"] += 1
                        _write(out, passage.passage_id, document.title, passage.text)
                for begin, end in spans:
                    counts["corpus"] += 1
                    counts["corpus_supports"] += 1
                    _write(out, span_id(document.doc_id, (begin, end)), document.title, document.text[begin:end])


def write_triples(
    folder: Path,
    rows: Iterable[dict[str, Any]],
    index: Index,
    supports: SupportTable,
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
            for line in _lines(row, index, supports, settings, counts):
                files[row["split"]].write(line)


def _lines(
    row: dict[str, Any], index: Index, supports: SupportTable, settings: DatasetSettings, counts: Counter[str]
) -> Iterator[str]:
    gold = row["gold"]
    chance = random.Random(f"{settings.seed}:negatives:{gold['id']}")
    banned = {gold["id"], *(doc_id for doc_id, _, _ in row["supports"])}
    for doc_id, start, end in row["supports"]:
        drawn = chance.sample(row["negative_rows"], len(row["negative_rows"]))
        negatives = _negatives(drawn, index, supports, banned, settings.negatives)
        if len(negatives) < settings.negatives:  # a rare title: the rest from the whole corpus
            more = [*drawn, *(chance.randrange(len(index)) for _ in range(FILL_TRIES))]
            counts["negatives_filled"] += settings.negatives - len(negatives)
            negatives = _negatives(more, index, supports, banned, settings.negatives)
        cells = [gold["id"], gold["title"], span_id(doc_id, (start, end)), *negatives]
        yield "\t".join(map(one_line, cells)) + "\n"


def _negatives(rows: Iterable[int], index: Index, supports: SupportTable, banned: set[str], wanted: int) -> list[str]:
    """Ids of the first passages, none of a document that supports the query or is the query's own."""
    found: dict[str, None] = {}
    for row in rows:
        if len(found) == wanted:
            break
        passage = index.passage(row)
        if not _is_banned(passage.doc_id, banned):
            span = _stands_for(passage, supports.of(passage.doc_id))
            found[span_id(passage.doc_id, span) if span else passage.passage_id] = None
    return list(found)


def _is_banned(doc_id: str, banned: set[str]) -> bool:
    """Whether the document is one of the query's own: of a WebBrain-Raw page, `<page>#ref<n>`."""
    return doc_id in banned or doc_id.rpartition("#ref")[0] in banned


def _stands_for(passage: Passage, spans: list[tuple[int, int]]) -> tuple[int, int] | None:
    """The supporting passage that holds most of an index passage and stands in the corpus for it, if one does."""
    best = max(spans, key=lambda span: (_shared(passage, span), -span[0]), default=None)
    enough = best is not None and _shared(passage, best) > DROP_OVERLAP * (passage.end - passage.start)
    return best if enough else None


def _shared(passage: Passage, span: tuple[int, int]) -> int:
    return min(passage.end, span[1]) - max(passage.start, span[0])


def _write(out: IO[str], passage_id: str, title: str, text: str) -> None:
    out.write(json_line({"id": passage_id, "title": title, "contents": one_line(text)}))
