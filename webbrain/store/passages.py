"""Passages and documents of one shard: texts lie once, as UTF-8, and a passage is a slice of its document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.errors import IndexDamaged
from webbrain.store import layout
from webbrain.store.arrays import open_array, open_bytes
from webbrain.types import Document, Passage


def indexed_text(title: str, text: str) -> str:
    """What is indexed of a passage: its document's title, then its text."""
    return heading(title) + text


def heading(title: str) -> str:
    """What is indexed before the text of every passage of a document."""
    return f"{title}. " if title else ""


@dataclass(frozen=True, slots=True)
class DocumentHead:
    """A document without its text."""

    doc_id: str
    title: str
    url: str
    metadata: dict[str, Any]


class PassageShard:
    """Random access to the passages of one shard by row within it."""

    def __init__(self, folder: Path, shard: int) -> None:
        self.path = folder / layout.TEXT.format(shard)
        self._text = open_bytes(self.path)
        self._heads = open_bytes(folder / layout.DOCUMENTS.format(shard))
        self._documents = open_array(folder / layout.DOCUMENT_OFFSETS.format(shard), layout.DOCUMENT_DTYPE)
        self._rows = open_array(folder / layout.ROWS.format(shard), layout.ROW_DTYPE)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def documents(self) -> int:
        return len(self._documents)

    def head(self, document: int) -> DocumentHead:
        starts = self._documents["line"]
        end = int(starts[document + 1]) if document + 1 < len(starts) else len(self._heads)
        try:
            return DocumentHead(**json.loads(self._heads[int(starts[document]) : end]))
        except (ValueError, TypeError, IndexError) as error:
            raise IndexDamaged(
                f"document {document} beside {self.path} is unreadable; run `webbrain index verify DIR --full`"
            ) from error

    def passage(self, row: int) -> Passage:
        entry = self._rows[row]
        head = self.head(int(entry["document"]))
        begin = int(entry["byte"])
        text = self._decode(begin, begin + int(entry["bytes"]))
        start, end = int(entry["start"]), int(entry["end"])
        return Passage(f"{head.doc_id}#{entry['number']}", head.doc_id, head.title, text, start, end, head.url)

    def place(self, row: int) -> tuple[int, int]:
        """Where a passage begins and ends in its document's text, in characters."""
        entry = self._rows[row]
        return int(entry["start"]), int(entry["end"])

    def document_of(self, row: int) -> int:
        return int(self._rows["document"][row])

    def document(self, number: int) -> Document:
        starts = self._documents["text"]
        end = int(starts[number + 1]) if number + 1 < len(starts) else len(self._text)
        head = self.head(number)
        return Document(head.doc_id, head.title, self._decode(int(starts[number]), end), head.url, head.metadata)

    def check(self, passages: int, documents: int) -> None:
        """Raises IndexDamaged unless the arrays agree with the manifest's sums and with each other."""
        in_range = not passages or (
            int(np.max(self._rows["document"][-1:])) < documents
            and int(self._rows["byte"][-1]) + int(self._rows["bytes"][-1]) <= len(self._text)
        )
        if len(self) != passages or self.documents != documents or not in_range:
            raise IndexDamaged(
                f"{self.path.parent} holds {len(self)} passages of {self.documents} documents, the manifest says "
                f"{passages} of {documents}; rebuild the index"
            )

    def _decode(self, begin: int, end: int) -> str:
        try:
            return self._text[begin:end].decode()
        except UnicodeDecodeError as error:
            raise IndexDamaged(
                f"{self.path} is not UTF-8 at byte {begin}; run `webbrain index verify DIR --full`"
            ) from error
