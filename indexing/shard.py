"""One shard while it is written: texts and documents go to disk block by block, the rest when the shard is full."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import Analyzer
from webbrain.grounding.sentences import Span
from webbrain.store import layout
from webbrain.store.manifest import ShardEntry
from webbrain.types import Document

from .block import Block, BlockMaker
from .files import save_array, sync_file
from .postings import PostingsWriter
from .terms import TermTable
from .vectors import VectorsWriter

BLOCK_DOCUMENTS = 256  # of those that come one by one, written together, unless
BLOCK_BYTES = 1 << 18  # they are as large as this


class Postings(Protocol):
    """Takes the passages of a shard and writes its `bm25` files; `write` returns its number of tokens."""

    def take(self, table: TermTable, first: int, last: int) -> None: ...

    def write(self, folder: Path, shard: int) -> int: ...


class ShardWriter:
    """Collects whole documents; `finish` writes what `webbrain.store` reads, vectors only where it has `vectors`.

    With `postings` of its own, what it is given by `add` is not analysed.
    """

    def __init__(
        self,
        folder: Path,
        shard: int,
        analyzer: Analyzer,
        postings: Postings | None = None,
        vectors: VectorsWriter | None = None,
    ) -> None:
        self.folder, self.shard, self.vectors = folder, shard, vectors
        self.postings = postings or PostingsWriter()
        self.documents = self.passages = 0
        self._written_documents = self._written_rows = 0
        self._maker = BlockMaker(analyzer if postings is None else None)
        self._run: tuple[Block, int, int] | None = None  # documents taken of a block, not yet written
        self._places: list[NDArray[np.int64]] = []
        self._rows: list[NDArray[np.int64]] = []
        for name in ("passages", "bm25", "dense"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._text = (folder / layout.TEXT.format(shard)).open("wb")
        self._heads = (folder / layout.DOCUMENTS.format(shard)).open("wb")

    def add(self, document: Document, passages: Iterable[Span]) -> None:
        """A document that is in no block, with its passages."""
        self._write_run()
        before = self._maker.passages
        self._maker.add(document, passages)
        self.documents += 1
        self.passages += self._maker.passages - before
        if len(self._maker) == BLOCK_DOCUMENTS or self._maker.text_bytes >= BLOCK_BYTES:
            self._write_own()

    def take(self, block: Block, first: int, last: int) -> None:
        """The documents of a block from `first` up to `last`; what comes in a row is written together."""
        if len(self._maker):
            self._write_own()
        run = self._run
        if run is not None and run[0] is block and run[2] == first:
            self._run = (block, run[1], last)
        else:
            self._write_run()
            self._run = (block, first, last)
        self.documents += last - first
        self.passages += block.first_rows[last] - block.first_rows[first]

    def finish(self) -> ShardEntry:
        """Write the arrays; everything is on disk when this returns."""
        if len(self._maker):
            self._write_own()
        self._write_run()
        self._close_texts()
        for name in (layout.TEXT, layout.DOCUMENTS):
            sync_file(self.folder / name.format(self.shard))
        documents = _records(self._places, layout.DOCUMENT_DTYPE)
        save_array(self.folder / layout.DOCUMENT_OFFSETS.format(self.shard), documents)
        save_array(self.folder / layout.ROWS.format(self.shard), _records(self._rows, layout.ROW_DTYPE))
        tokens = self.postings.write(self.folder, self.shard)
        if self.vectors is not None:
            self.vectors.finish()
        return ShardEntry(self.documents, self.passages, tokens)

    def close(self) -> None:
        """Of what is not finished the encoded blocks stay, for the next run."""
        self._close_texts()
        if self.vectors is not None:
            self.vectors.close()

    def _write_own(self) -> None:
        block = self._maker.take()
        self._write(block, 0, len(block))

    def _write_run(self) -> None:
        if self._run is not None:
            self._write(*self._run)
            self._run = None

    def _write(self, block: Block, first: int, last: int) -> None:
        """The documents from `first` up to `last` of a block; all places move by as much as the block does."""
        (head, text, row), (head_end, text_end, row_end) = block.documents[[first, last]].tolist()
        rows = block.rows[row:row_end].copy()
        rows[:, 0] += self._written_documents - first
        rows[:, 4] += self._text.tell() - text
        moved = (self._heads.tell() - head, self._text.tell() - text, self._written_rows - row)
        self._places.append(block.documents[first:last] + np.array(moved))
        self._rows.append(rows)
        self._written_documents += last - first
        self._written_rows += row_end - row
        self._text.write(memoryview(block.text)[text:text_end])
        self._heads.write(memoryview(block.heads)[head:head_end])
        if block.terms is not None:
            self.postings.take(block.terms, row, row_end)
        if self.vectors is not None:
            for indexed in block.indexed_texts(first, last):
                self.vectors.add(indexed)

    def _close_texts(self) -> None:
        self._text.close()
        self._heads.close()


def _records(parts: list[NDArray[np.int64]], dtype: list[tuple[str, str]]) -> NDArray[np.void]:
    """Columns of whole numbers as records."""
    records = np.empty(sum(map(len, parts)), dtype)
    columns = np.concatenate(parts) if parts else np.empty((0, len(dtype)), np.int64)
    for place, (name, _) in enumerate(dtype):
        records[name] = columns[:, place]
    return records
