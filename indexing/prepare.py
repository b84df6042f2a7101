"""Preparing records in worker processes: cleaned, cut into passages, fingerprinted and analysed, in the corpus's order.

What one record gives depends on nothing but the record, so an index is the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.analysis import Analyzer
from webbrain.grounding.sentences import Span
from webbrain.store.passages import indexed_text
from webbrain.types import Document
from webbrain.workers import in_order

from .changes import Prepared, prepare
from .chunk import passages_at
from .duplicates import Fingerprint
from .read import RawRecord, Reject
from .read.records import WikiPage
from .read.scan import corpus_bytes
from .settings import BuildSettings
from .terms import TermCounter, TermTable

BATCH_RECORDS = 256  # sent to a worker at once, unless
BATCH_BYTES = 1 << 18  # they are as large as this
SMALL_BYTES = 4 << 20  # a corpus under this is done before workers have started
ADVICE = "run the same command again, with fewer --workers if that was it: finished shards are kept"

Items = list[Prepared | Reject]


def workers_for(corpus: Path, wanted: int | None, cores: int) -> int:
    """As many as wanted, or one for each core where the corpus is large enough to be worth starting them."""
    return wanted or (cores if corpus_bytes(corpus) >= SMALL_BYTES else 1)


def prepared(
    records: Iterable[RawRecord], settings: BuildSettings, workers: int, is_known: Callable[[RawRecord], bool]
) -> Generator[tuple[RawRecord, Items | None], None, None]:
    """Each record with what it gives; None for a known one, which has to be looked at no further, and with one worker,
    where whoever takes the record prepares it.

    A few batches a worker are under way at once, whatever the size of the corpus. Raises WebBrainError when a worker
    dies.
    """
    if workers == 1:
        yield from ((record, None) for record in records)
        return
    for batch, (found, table) in in_order(_open, (settings,), _batches(records, is_known), workers, advice=ADVICE):
        items = iter(found)
        for record, known in zip(batch.records, batch.known, strict=True):
            yield record, None if known else [_unpack(one, table) for one in next(items)]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records in order; only those that are not known travel to a worker."""

    records: list[RawRecord]
    known: list[bool]

    def __reduce__(self) -> tuple[Callable[..., list[RawRecord]], tuple[list[tuple[Any, ...]]]]:
        records = (record for record, known in zip(self.records, self.known, strict=True) if not known)
        return _records, ([(one.ordinal, one.path, one.line, one.kind, one.data) for one in records],)


def _records(rows: list[tuple[Any, ...]]) -> list[RawRecord]:
    return [RawRecord(*row) for row in rows]


# A `Prepared` on its way between processes, as plain values, which pickle in a fifth of the time: its document, its
# passages as offsets, where their terms begin in the batch's table, its fingerprint and its digest.
_Packed = tuple[tuple[Any, ...], list[tuple[int, int]], int, tuple[int, int, bytes | None] | None, bytes]
_Answer = tuple[list[list[_Packed | Reject]], TermTable]


def _open(settings: BuildSettings) -> Callable[[Any], _Answer]:
    """Runs once in a worker; the function it returns takes what has become of a `_Batch` on the way."""
    counter = TermCounter(Analyzer(settings.analyzer))

    def work(records: list[RawRecord]) -> _Answer:
        items = [[_pack(item, counter) for item in prepare(record, settings)] for record in records]
        return items, counter.take()

    return work


def _pack(item: Prepared | Reject, counter: TermCounter) -> _Packed | Reject:
    if isinstance(item, Reject):
        return item
    document, print_, row = item.document, item.fingerprint, len(counter)
    for passage in item.passages:
        counter.add(indexed_text(document.title, passage.text))
    head = (document.doc_id, document.title, document.text, document.url, document.metadata)
    spans = [(passage.start, passage.end) for passage in item.passages]
    if print_ is None:
        return head, spans, row, None, item.content
    signature = None if print_.signature is None else print_.signature.tobytes()
    return head, spans, row, (print_.exact, print_.numbers, signature), item.content


def _unpack(item: _Packed | Reject, table: TermTable) -> Prepared | Reject:
    if isinstance(item, Reject):
        return item
    head, spans, row, print_, content = item
    document = Document(*head)
    passages = passages_at(document, starmap(Span, spans))
    return Prepared(document, passages, None if print_ is None else _fingerprint(*print_), content, (table, row))


def _fingerprint(exact: int, numbers: int, signature: bytes | None) -> Fingerprint:
    return Fingerprint(exact, numbers, None if signature is None else np.frombuffer(signature, np.uint32))


def _batches(records: Iterable[RawRecord], is_known: Callable[[RawRecord], bool]) -> Iterator[_Batch]:
    batch, size = _Batch([], []), 0
    for record in records:
        batch.records.append(record)
        batch.known.append(is_known(record))
        size += _bytes(record.data)
        if len(batch.records) >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield batch
            batch, size = _Batch([], []), 0
    if batch.records:
        yield batch


def _bytes(data: object) -> int:
    """About the size of a record's data."""
    if isinstance(data, WikiPage):
        return len(data.text)
    if isinstance(data, tuple):
        return sum(map(_bytes, data))
    return len(data) if isinstance(data, bytes | str) else 0
