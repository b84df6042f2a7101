"""Documents as a shard holds them: whoever has a core to spare makes a block, who writes the shard takes it over."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import Analyzer
from webbrain.grounding.sentences import Span
from webbrain.store.passages import heading, indexed_text
from webbrain.types import Document

from .terms import News, TermCounter, TermTable

# What `_to_json` writes of a string, in a tenth of the time.
_quoted: Callable[[str], str] = json.encoder.encode_basestring
_to_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Block:
    """Texts and JSON heads of some documents, one after the other, and the terms of their passages.

    `documents` (n + 1, 3): where the head and the text of each begin and its first row, then the sums. `rows` (m, 6):
    the fields of `layout.ROW_DTYPE`. Both count from the block's beginning. `first_rows` is a column of `documents`.
    """

    text: bytes
    heads: bytes
    documents: NDArray[np.int64]
    rows: NDArray[np.int64]
    terms: TermTable | None
    first_rows: list[int]

    @classmethod
    def of(cls, text: bytes, heads: bytes, documents: bytes, rows: bytes, terms: TermTable | None) -> Block:
        """A block out of arrays as plain bytes."""
        places = np.frombuffer(documents, np.int64).reshape(-1, 3)
        return cls(text, heads, places, np.frombuffer(rows, np.int64).reshape(-1, 6), terms, places[:, 2].tolist())

    def __len__(self) -> int:
        return len(self.first_rows) - 1

    def __reduce__(self) -> tuple[Callable[..., Block], tuple[object, ...]]:
        return Block.of, (self.text, self.heads, self.documents.tobytes(), self.rows.tobytes(), self.terms)

    def with_vocabulary(self, vocabulary: list[str]) -> Block:
        """The same, having come from another process."""
        return self if self.terms is None else replace(self, terms=replace(self.terms, vocabulary=vocabulary))

    def passages(self, number: int) -> int:
        """How many a document has."""
        return self.first_rows[number + 1] - self.first_rows[number]

    def document(self, number: int) -> Document:
        head = self._head(number)
        begin, end = self.documents[number : number + 2, 1].tolist()
        return Document(head["doc_id"], head["title"], self.text[begin:end].decode(), head["url"], head["metadata"])

    def indexed_texts(self, first: int, last: int) -> Iterator[str]:
        """What is indexed of the passages of the documents from `first` up to `last`, which is left out."""
        for number in range(first, last):
            title = self._head(number)["title"]
            for byte, size in self.rows[self.first_rows[number] : self.first_rows[number + 1], 4:].tolist():
                yield indexed_text(title, self.text[byte : byte + size].decode())

    def _head(self, number: int) -> dict[str, Any]:
        begin, end = self.documents[number : number + 2, 0].tolist()
        return dict(json.loads(self.heads[begin:end]))


class BlockMaker:
    """Takes one document after another; without an analyzer their terms are not counted."""

    def __init__(self, analyzer: Analyzer | None) -> None:
        self._counter = None if analyzer is None else TermCounter(analyzer)
        self._begin()

    def __len__(self) -> int:
        return len(self._documents) // 3

    @property
    def passages(self) -> int:
        return len(self._rows) // 6

    @property
    def text_bytes(self) -> int:
        return self._text_bytes

    def add(self, document: Document, spans: Iterable[Span]) -> None:
        """A document with its passages as characters of its text, in order."""
        text, data, head = document.text, document.text.encode(), _head(document)
        place = len(self)
        self._documents.extend((self._head_bytes, self._text_bytes, self.passages))
        before = heading(document.title).encode()
        is_ascii = len(text) == len(data)
        char, byte = 0, self._text_bytes
        for number, span in enumerate(spans):
            byte += span.start - char if is_ascii else len(text[char : span.start].encode())
            piece = (data if is_ascii else text)[span.start : span.end]
            passage = piece if isinstance(piece, bytes) else piece.encode()
            self._rows.extend((place, number, span.start, span.end, byte, len(passage)))
            if self._counter is not None:
                self._counter.add(before + passage)
            char, byte = span.end, byte + len(passage)
        self._texts.append(data)
        self._heads.append(head)
        self._text_bytes += len(data)
        self._head_bytes += len(head)

    def news(self) -> News | None:
        """New terms, for a block taken last that goes to another process."""
        return None if self._counter is None else self._counter.news()

    def take(self) -> Block:
        """What was added since the last time."""
        terms = None if self._counter is None else self._counter.take()
        self._documents.extend((self._head_bytes, self._text_bytes, self.passages))
        arrays = (self._documents.tobytes(), self._rows.tobytes())
        block = Block.of(b"".join(self._texts), b"".join(self._heads), *arrays, terms)
        self._begin()
        return block

    def _begin(self) -> None:
        self._documents, self._rows = array("q"), array("q")
        self._texts: list[bytes] = []
        self._heads: list[bytes] = []
        self._text_bytes = self._head_bytes = 0


def _head(document: Document) -> bytes:
    """A document without its text, as a line of JSON."""
    metadata = _to_json(dict(document.metadata)) if document.metadata else "{}"
    doc_id, title, url = map(_quoted, (document.doc_id, document.title, document.url))
    return f'{{"doc_id": {doc_id}, "title": {title}, "url": {url}, "metadata": {metadata}}}\n'.encode()
