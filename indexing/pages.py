"""What the state of an index holds: its documents as pages, the records they came in, and how far a pass has come."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field

from webbrain.types import Document

from .duplicates import Fingerprint
from .read import Reject

Place = tuple[int, int]  # a shard and a document within it


@dataclass(frozen=True, slots=True)
class Page:
    """One document; `shard` and `document` say where it lies, None for a page folded into page `same_as`."""

    number: int
    place: int
    doc_id: str
    record: bytes
    content: bytes
    shard: int | None
    document: int | None
    same_as: int | None
    fingerprint: Fingerprint | None
    seen: int | None
    doubtful: bool


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page that the pass found: its place, the digests of its record and of itself, and what it says."""

    place: int
    doc_id: str
    record: bytes
    content: bytes | None
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record that the index was made of, and all that it gave."""

    key: bytes
    pages: list[Page]
    rejects: list[Reject]


@dataclass(frozen=True, slots=True)
class Folded:
    """Into which page one is folded, and its document, compressed (see `pack`)."""

    same_as: int
    text: bytes

    def row(self) -> tuple[int, bytes]:
        return self.same_as, self.text


@dataclass(slots=True)
class Pass:
    """How far a pass over a corpus has come; `furthest` is the last old place met, `lost` names pages gone for good."""

    next_ordinal: int = 0
    skipped: int = 0
    next_place: int = 0
    furthest: int = -1
    settled: bool = False
    last: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number


def pack(document: Document) -> bytes:
    """A document without its id, compressed."""
    row = {"title": document.title, "text": document.text, "url": document.url, "metadata": dict(document.metadata)}
    return zlib.compress(json.dumps(row, ensure_ascii=False).encode())


def pack_head(title: str, url: str) -> bytes:
    """What stands for a folded page whose text is not known."""
    return zlib.compress(json.dumps({"title": title, "url": url}, ensure_ascii=False).encode())
