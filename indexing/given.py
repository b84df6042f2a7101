"""What a record of the corpus gives: documents, cleaned, cut into passages and fingerprinted, together in a block.

It depends on nothing but the record, so that an index is the same wherever, and by how many, it is prepared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from webbrain.grounding.sentences import Span
from webbrain.types import Document

from .block import Block, BlockMaker
from .chunk import chunk
from .duplicates import Fingerprint
from .read import RawRecord, Reject, clean
from .read.records import WikiPage
from .settings import PIPELINE_VERSION, BuildSettings
from .terms import News, Vocabularies

Keys = tuple[bytes, bytes]  # see `record_keys`
# What is to be known of a document beside its block, as plain values, which travel between processes in a fifth of the
# time: its id, its digest and its fingerprint. Documents lie in the block in the order in which they come.
_Packed = tuple[str, bytes, tuple[int, int, bytes | None] | None]
_Record = tuple[Keys, list[_Packed | Reject]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cleaned document and where its passages lie; `fingerprint` is None where duplicates are kept."""

    document: Document
    passages: list[Span]
    fingerprint: Fingerprint | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """What has to be known of a prepared document that lies in a block, as its number `number`."""

    doc_id: str
    content: bytes
    fingerprint: Fingerprint | None
    block: Block
    number: int

    @property
    def passages(self) -> int:
        """How many it has."""
        return self.block.passages(self.number)


@dataclass(frozen=True, slots=True)
class Packed:
    """What some records give, fit to go to another process."""

    block: Block
    news: News | None
    records: list[_Record]


@dataclass(frozen=True, slots=True)
class Given:
    """The digests of a record and what it gives."""

    keys: Keys
    items: list[Ready | Reject]


def prepare(record: RawRecord, settings: BuildSettings) -> list[Prepared | Reject]:
    """All the work on a record that looks at nothing but the record."""
    return [item if isinstance(item, Reject) else prepare_document(item, settings) for item in clean(record)]


def prepare_document(document: Document, settings: BuildSettings) -> Prepared:
    print_ = Fingerprint.of(document.text) if settings.duplicates == "fold" else None
    return Prepared(document, chunk(document.text, settings.chunker), print_, content_key(document))


def record_keys(record: RawRecord) -> Keys:
    """Digests of a record's bytes: for what it gives wherever it stands, and for what it gives in that place alone."""
    parts = (
        part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass") for part in _parts(record.data)
    )
    digest = _digest(f"{PIPELINE_VERSION} {record.kind} ", parts)
    placed = digest.copy()
    placed.update(f"{record.path}:{record.line}".encode("utf-8", "surrogatepass"))
    return digest.digest(), placed.digest()


def content_key(document: Document) -> bytes:
    """A digest of all that the index keeps of a document."""
    metadata = json.dumps(dict(document.metadata), sort_keys=True) if document.metadata else "{}"
    parts = (document.doc_id, document.title, document.url, metadata, document.text)
    return _digest(f"{PIPELINE_VERSION} ", (part.encode("utf-8", "surrogatepass") for part in parts)).digest()


def prepare_all(records: Iterable[RawRecord], settings: BuildSettings, maker: BlockMaker) -> Packed:
    """All the work on some records; see `Unpacker`."""
    found = [(record_keys(record), [_pack(item, maker) for item in prepare(record, settings)]) for record in records]
    return Packed(maker.take(), maker.news(), found)


class Unpacker:
    """Takes all that some makers packed, in the order in which each did."""

    def __init__(self) -> None:
        self._vocabularies = Vocabularies()

    def unpacked(self, packed: Packed) -> list[Given]:
        """Record by record what it gives."""
        block, documents = packed.block, iter(range(len(packed.block)))
        if packed.news is not None:
            block = block.with_vocabulary(self._vocabularies.take(packed.news))
        return [
            Given(keys, [item if isinstance(item, Reject) else _ready(item, block, next(documents)) for item in items])
            for keys, items in packed.records
        ]


def _digest(begin: str, parts: Iterable[bytes]) -> hashlib.blake2b:
    """A digest of some parts that says where each ends."""
    framed = [data for part in parts for data in (len(part).to_bytes(8, "big"), part)]
    return hashlib.blake2b(b"".join([begin.encode(), *framed]), digest_size=16)


def _pack(item: Prepared | Reject, maker: BlockMaker) -> _Packed | Reject:
    if isinstance(item, Reject):
        return item
    maker.add(item.document, item.passages)
    print_ = item.fingerprint
    if print_ is None:
        return item.document.doc_id, item.content, None
    signature = None if print_.signature is None else print_.signature.tobytes()
    return item.document.doc_id, item.content, (print_.exact, print_.numbers, signature)


def _ready(item: _Packed, block: Block, number: int) -> Ready:
    doc_id, content, print_ = item
    return Ready(doc_id, content, None if print_ is None else _fingerprint(*print_), block, number)


def _fingerprint(exact: int, numbers: int, signature: bytes | None) -> Fingerprint:
    return Fingerprint(exact, numbers, None if signature is None else np.frombuffer(signature, np.uint32))


def _parts(data: object) -> tuple[object, ...]:
    """What of a record's data makes it what it is, in a fixed order."""
    if isinstance(data, WikiPage):
        return (data.page_id, data.title, data.text, data.redirect, data.url, sorted(data.dropped))
    return data if isinstance(data, tuple) else (data,)
