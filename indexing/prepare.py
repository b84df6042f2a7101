"""Preparing the records of a corpus (see `indexing.given`), in its order: here, or in worker processes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webbrain.analysis import Analyzer
from webbrain.workers import in_order

from .block import BlockMaker
from .given import Given, Packed, Unpacker, prepare_all
from .read import RawRecord
from .read.records import WikiPage
from .read.scan import corpus_bytes
from .settings import BuildSettings

BATCH_RECORDS = 256  # sent to a worker at once, unless
BATCH_BYTES = 1 << 18  # they are as large as this
AHEAD = 12  # batches of that size under way for each worker: what they do while a shard is finished
SMALL_BYTES = 4 << 20  # a corpus under this is done before workers have started
ADVICE = "run the same command again, with fewer --workers if that was it: finished shards are kept"


def workers_for(corpus: Path, wanted: int | None, cores: int) -> int:
    """As many as wanted, or one for each core where the corpus is large enough to be worth starting them."""
    return wanted or (cores if corpus_bytes(corpus) >= SMALL_BYTES else 1)


def prepared(
    records: Iterable[RawRecord], settings: BuildSettings, workers: int, is_known: Callable[[RawRecord], bool]
) -> Generator[tuple[RawRecord, Given | None], None, None]:
    """Each record with what it gives; None for a known one, which has to be looked at no further.

    A few batches a worker are under way at once, whatever the size of the corpus. Raises WebBrainError when a worker
    dies.
    """
    unpacker = Unpacker()
    batches = _batches(records, is_known)
    for batch, packed in in_order(
        _open, (settings,), batches, workers, ahead=AHEAD, weigh=lambda batch: batch.weight, advice=ADVICE
    ):
        found = iter(unpacker.unpacked(packed))
        for record, known in zip(batch.records, batch.known, strict=True):
            yield record, None if known else next(found)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records in order; only those that are not known travel to a worker."""

    records: list[RawRecord]
    known: list[bool]
    bytes: int

    @property
    def weight(self) -> float:
        """In batches of the usual size."""
        return max(1.0, self.bytes / BATCH_BYTES)

    def new(self) -> list[RawRecord]:
        return [record for record, known in zip(self.records, self.known, strict=True) if not known]

    def __reduce__(self) -> tuple[Callable[..., _Batch], tuple[list[tuple[Any, ...]]]]:
        return _new_ones, ([(one.ordinal, one.path, one.line, one.kind, one.data) for one in self.new()],)


def _new_ones(rows: list[tuple[Any, ...]]) -> _Batch:
    return _Batch([RawRecord(*row) for row in rows], [False] * len(rows), 0)


def _open(settings: BuildSettings) -> Callable[[_Batch], Packed]:
    """Runs once in a worker."""
    maker = BlockMaker(Analyzer(settings.analyzer))
    return lambda batch: prepare_all(batch.new(), settings, maker)


def _batches(records: Iterable[RawRecord], is_known: Callable[[RawRecord], bool]) -> Iterator[_Batch]:
    batch: list[RawRecord] = []
    known: list[bool] = []
    size = 0
    for record in records:
        batch.append(record)
        known.append(is_known(record))
        size += _bytes(record.data)
        if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield _Batch(batch, known, size)
            batch, known, size = [], [], 0
    if batch:
        yield _Batch(batch, known, size)


def _bytes(data: object) -> int:
    """About the size of a record's data."""
    if isinstance(data, WikiPage):
        return len(data.text)
    if isinstance(data, tuple):
        return sum(map(_bytes, data))
    return len(data) if isinstance(data, bytes | str) else 0
