"""One shard while it is written: texts and documents go to disk as they come, the rest when the shard is full."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import numpy as np

from webbrain.analysis import Analyzer
from webbrain.store import layout
from webbrain.store.manifest import ShardEntry
from webbrain.store.passages import indexed_text
from webbrain.types import Document, Passage

from .files import save_array, sync_file
from .postings import PostingsWriter
from .terms import Counted, TermTable
from .vectors import VectorsWriter

_write_json = json.JSONEncoder(ensure_ascii=False).encode


class Postings(Protocol):
    """Takes the passages of a shard and writes its `bm25` files; `write` returns its number of tokens."""

    def add(self, text: str) -> None: ...

    def add_counted(self, table: TermTable, row: int) -> None: ...

    def write(self, folder: Path, shard: int) -> int: ...


class ShardWriter:
    """Collects whole documents; `finish` writes what `webbrain.store` reads, vectors only where it has `vectors`."""

    def __init__(
        self,
        folder: Path,
        shard: int,
        analyzer: Analyzer,
        postings: Postings | None = None,
        vectors: VectorsWriter | None = None,
    ) -> None:
        self.folder, self.shard, self.vectors = folder, shard, vectors
        self.postings = postings or PostingsWriter(analyzer)
        self.documents: list[tuple[int, int, int]] = []
        self.rows: list[tuple[int, int, int, int, int, int]] = []
        for name in ("passages", "bm25", "dense"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._text = (folder / layout.TEXT.format(shard)).open("wb")
        self._heads = (folder / layout.DOCUMENTS.format(shard)).open("wb")

    @property
    def passages(self) -> int:
        return len(self.rows)

    def add(self, document: Document, passages: list[Passage], terms: Counted | None = None) -> None:
        """`terms` are the passages', where they are counted already."""
        begin = self._text.tell()
        self.documents.append((self._heads.tell(), begin, len(self.rows)))
        self._text.write(document.text.encode())
        head = {"doc_id": document.doc_id, "title": document.title, "url": document.url}
        line = _write_json({**head, "metadata": dict(document.metadata)})
        self._heads.write(line.encode() + b"\n")
        char, byte = 0, begin
        for number, passage in enumerate(passages):
            byte += len(document.text[char : passage.start].encode())
            size = len(passage.text.encode())
            self.rows.append((len(self.documents) - 1, number, passage.start, passage.end, byte, size))
            if terms is None:
                self.postings.add(indexed_text(document.title, passage.text))
            else:
                self.postings.add_counted(terms[0], terms[1] + number)
            if self.vectors is not None:
                self.vectors.add(indexed_text(document.title, passage.text))
            char, byte = passage.end, byte + size

    def finish(self) -> ShardEntry:
        """Write the arrays; everything is on disk when this returns."""
        self._close_texts()
        for name in (layout.TEXT, layout.DOCUMENTS):
            sync_file(self.folder / name.format(self.shard))
        documents = np.array(self.documents, dtype=layout.DOCUMENT_DTYPE)
        save_array(self.folder / layout.DOCUMENT_OFFSETS.format(self.shard), documents)
        save_array(self.folder / layout.ROWS.format(self.shard), np.array(self.rows, dtype=layout.ROW_DTYPE))
        tokens = self.postings.write(self.folder, self.shard)
        if self.vectors is not None:
            self.vectors.finish()
        return ShardEntry(len(self.documents), len(self.rows), tokens)

    def close(self) -> None:
        """Of what is not finished the encoded blocks stay, for the next run."""
        self._close_texts()
        if self.vectors is not None:
            self.vectors.close()

    def _close_texts(self) -> None:
        self._text.close()
        self._heads.close()
