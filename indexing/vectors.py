"""Encoding a shard's passages, block by block, so that a killed build goes on from the last whole block."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from webbrain.protocols import Encoder
from webbrain.store import layout
from webbrain.store.passages import PassageShard, indexed_text
from webbrain.store.vectors import pick

from .files import sync_file, sync_folder

BLOCK = 256  # passages encoded between two flushes to disk
AHEAD = 4  # blocks that wait for the encoder before whoever brings more has to wait
PART = "dense/{:05d}.part"
WAIT = 0.1  # seconds between two looks at whether the other side still works

Advance = Callable[[int, int], None]


class VectorsWriter:
    """Encodes the passages of a shard on a thread of its own while others are still read and cut.

    `advance(done, brought)` is told, from that thread, after each block of passages.
    """

    def __init__(
        self, folder: Path, shard: int, encoder: Encoder, advance: Advance = lambda done, brought: None
    ) -> None:
        self._part, self._target = folder / PART.format(shard), folder / layout.VECTORS.format(shard)
        self._encoder, self._advance = encoder, advance
        self._part.parent.mkdir(exist_ok=True)
        self._block: list[str] = []
        self._brought = 0
        self._known = _whole_blocks(self._part, encoder.dim)
        self._blocks: queue.Queue[list[str] | None] = queue.Queue(AHEAD)
        self._stop = Event()
        self._error: Exception | None = None
        self._thread = Thread(target=self._work, name="encoding", daemon=True)
        self._thread.start()

    def add(self, text: str) -> None:
        """The next passage; waits when the encoder lags behind, and raises what it failed with."""
        self._brought += 1
        if self._brought <= self._known:  # an earlier run encoded it
            return
        self._block.append(text)
        if len(self._block) == BLOCK:
            self._bring(self._block)
            self._block = []

    def finish(self) -> None:
        """Write the shard's FAISS index; it is on disk when this returns."""
        if self._block:
            self._bring(self._block)
        self._bring(None)
        self._thread.join()
        if self._error is not None:
            raise self._error
        os.truncate(self._part, self._brought * self._encoder.dim * 4)
        _write_vectors(self._part, self._target, self._encoder.dim)
        self._part.unlink()

    def close(self) -> None:
        """Give up what is not finished; whole blocks stay on disk."""
        self._stop.set()
        self._thread.join()
        if not self._brought and not self._known:
            self._part.unlink(missing_ok=True)

    def _bring(self, block: list[str] | None) -> None:
        while self._error is None:
            try:
                return self._blocks.put(block, timeout=WAIT)
            except queue.Full:
                continue
        raise self._error

    def _work(self) -> None:
        try:
            with self._part.open("r+b" if self._part.exists() else "w+b") as file:
                file.truncate(self._known * self._encoder.dim * 4)
                file.seek(0, os.SEEK_END)
                self._encode_blocks(file)
        except Exception as error:  # noqa: BLE001 - raised again by `add` or `finish`
            self._error = error

    def _encode_blocks(self, file: IO[bytes]) -> None:
        done = self._known
        while not self._stop.is_set():
            try:
                block = self._blocks.get(timeout=WAIT)
            except queue.Empty:
                continue
            if block is None:
                return
            file.write(self._encoder.encode(block).astype("<f4").tobytes())
            file.flush()
            os.fsync(file.fileno())
            done += len(block)
            self._advance(done, max(self._brought, done))


def encode_shard(folder: Path, shard: int, encoder: Encoder, advance: Advance = lambda done, brought: None) -> None:
    """Write the FAISS index of a shard whose passages are on disk."""
    passages = PassageShard(folder, shard)
    with closing(VectorsWriter(folder, shard, encoder, lambda done, _: advance(done, len(passages)))) as vectors:
        for row in range(len(passages)):
            passage = passages.passage(row)
            vectors.add(indexed_text(passage.title, passage.text))
        vectors.finish()


def _whole_blocks(part: Path, dim: int) -> int:
    """Passages that an earlier run has encoded: whole blocks only, since only those were flushed."""
    rows = part.stat().st_size // (dim * 4) if part.exists() else 0
    return rows - rows % BLOCK


def _write_vectors(part: Path, target: Path, dim: int) -> None:
    """Half-precision vectors, searched exhaustively: no training, so a vector's code depends on nothing but itself."""
    import faiss

    vectors = np.fromfile(part, "<f4").reshape(-1, dim)
    index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    write_faiss(index, target)


def write_faiss(index: Any, target: Path) -> None:
    """Write beside, flush to disk, rename."""
    import faiss

    beside = target.with_name(target.name + ".new")
    try:
        faiss.write_index(index, str(beside))
    except RuntimeError as error:
        raise OSError(f"{beside}: {error}") from error
    sync_file(beside)
    beside.replace(target)
    sync_folder(target.parent)


def copy_vectors(sources: Sequence[tuple[Any, NDArray[np.int64]]], target: Path) -> None:
    """Write some rows of several shards' FAISS indexes as one: the codes as they are, so nothing is encoded again."""
    merged = pick(*sources[0])
    for vectors, rows in sources[1:]:
        part = pick(vectors, rows)
        merged.merge_from(part, 0)
    write_faiss(merged, target)
