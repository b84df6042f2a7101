"""Preparing records in worker processes: cleaned, cut into passages, fingerprinted and analysed, in the corpus's order.

What one record gives depends on nothing but the record, so an index is the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.analysis import Analyzer
from webbrain.store.passages import indexed_text
from webbrain.types import Document, Passage
from webbrain.workers import in_order

from .changes import Prepared, prepare
from .duplicates import Fingerprint
from .read import RawRecord, Reject
from .read.records import WikiPage
from .read.scan import corpus_bytes
from .settings import BuildSettings

BATCH_RECORDS = 32  # sent to a worker at once, unless
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
    for batch, found in in_order(_open, (settings,), _batches(records, is_known), workers, advice=ADVICE):
        items = iter(found)
        for record, known in zip(batch.records, batch.known, strict=True):
            yield record, None if known else [_unpack(one) for one in next(items)]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records in order; only those that are not known travel to a worker."""

    records: list[RawRecord]
    known: list[bool]

    def __reduce__(self) -> tuple[Callable[..., list[RawRecord]], tuple[list[RawRecord]]]:
        return list, ([record for record, known in zip(self.records, self.known, strict=True) if not known],)


@dataclass(frozen=True, slots=True)
class _Packed:
    """A `Prepared` on its way between processes: passages as offsets, the terms of each as one string."""

    document: Document
    spans: list[tuple[int, int]]
    terms: list[str]
    hashes: tuple[int, int] | None
    signature: bytes | None
    content: bytes


def _open(settings: BuildSettings) -> Callable[[Any], list[list[_Packed | Reject]]]:
    """Runs once in a worker; the function it returns takes what has become of a `_Batch` on the way."""
    analyzer = Analyzer(settings.analyzer)

    def work(records: list[RawRecord]) -> list[list[_Packed | Reject]]:
        return [[_pack(item, analyzer) for item in prepare(record, settings)] for record in records]

    return work


def _pack(item: Prepared | Reject, analyzer: Analyzer) -> _Packed | Reject:
    if isinstance(item, Reject):
        return item
    title, print_ = item.document.title, item.fingerprint
    terms = [" ".join(analyzer.terms(indexed_text(title, passage.text))) for passage in item.passages]
    spans = [(passage.start, passage.end) for passage in item.passages]
    if print_ is None:
        return _Packed(item.document, spans, terms, None, None, item.content)
    signature = None if print_.signature is None else print_.signature.tobytes()
    return _Packed(item.document, spans, terms, (print_.exact, print_.numbers), signature, item.content)


def _unpack(item: _Packed | Reject) -> Prepared | Reject:
    if isinstance(item, Reject):
        return item
    signature = None if item.signature is None else np.frombuffer(item.signature, np.uint32)
    print_ = None if item.hashes is None else Fingerprint(*item.hashes, signature)
    passages = [_passage(item.document, number, *span) for number, span in enumerate(item.spans)]
    return Prepared(item.document, passages, print_, item.content, [terms.split() for terms in item.terms])


def _passage(document: Document, number: int, start: int, end: int) -> Passage:
    doc_id, text = document.doc_id, document.text[start:end]
    return Passage(f"{doc_id}#{number}", doc_id, document.title, text, start, end, document.url)


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
