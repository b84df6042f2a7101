"""One split: its records cleaned, chunked and fingerprinted, stored for the pass that decides what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.sentences import Span
from webbrain.types import Document

from .. import given
from ..duplicates import PERMUTATIONS, Fingerprint
from ..read import RawRecord, Reject
from ..settings import BuildSettings
from .splits import Split
from .storage import Storage, file_facts

TEXTS = "prepared/{:06d}.texts.jsonl"
HEADS = "prepared/{:06d}.heads.jsonl"
SIGNATURES = "prepared/{:06d}.signatures.npy"
RECEIPT = "prepared/{:06d}.json"
FILES = (TEXTS, HEADS, SIGNATURES)


@dataclass(frozen=True, slots=True)
class Head:
    """A document without its text: number of passages, digest of its content, fingerprint of its text (None where
    duplicates are kept)."""

    doc_id: str
    passages: int
    content: bytes
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True)
class RecordHead:
    """What the fold is told of a record: its place, the digests that it is known by, and what it gave."""

    path: str
    line: int
    keys: tuple[bytes, bytes]
    items: list[Head | Reject]


def prepare(storage: Storage, number: int, split: Split, settings: BuildSettings) -> None:
    """Make the files of split `number` and sign for them; nothing where that is done already."""
    if is_prepared(storage, number):
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / TEXTS).parent.mkdir()
        with (
            (folder / TEXTS).open("w", encoding="utf-8") as texts,
            (folder / HEADS).open("w", encoding="utf-8") as heads,
        ):
            work = _Split(settings, texts, heads)
            work.read(split)
        np.save(folder / SIGNATURES, np.array(work.signatures, np.uint32).reshape(-1, PERMUTATIONS))
        for pattern in FILES:
            storage.put(folder / pattern, pattern.format(number))
        files = {pattern.format(number): file_facts(folder / pattern) for pattern in FILES}
    storage.put_json(RECEIPT.format(number), {"skipped": work.skipped, "files": files})


def is_prepared(storage: Storage, number: int) -> bool:
    receipt = storage.get_json(RECEIPT.format(number))
    return receipt is not None and storage.holds(receipt["files"])


def skipped_in(storage: Storage, number: int) -> int:
    """Records of a split that are no pages by design."""
    return int(storage.get_json(RECEIPT.format(number))["skipped"])


def read_heads(storage: Storage, number: int, folder: Path) -> Iterator[RecordHead]:
    """The records of a split, in order; their texts stay where they are."""
    storage.get(SIGNATURES.format(number), folder / "signatures.npy")
    signatures = np.load(folder / "signatures.npy", allow_pickle=False)
    for row in _lines(storage, HEADS.format(number), folder / "heads.jsonl"):
        keys = (bytes.fromhex(row["keys"][0]), bytes.fromhex(row["keys"][1]))
        yield RecordHead(row["path"], row["line"], keys, [_head(item, signatures) for item in row["items"]])


def read_texts(storage: Storage, number: int, folder: Path) -> Iterator[tuple[Document, list[Span]]]:
    """The documents of a split and where their passages lie, in order; rejects have none."""
    for row in _lines(storage, TEXTS.format(number), folder / "texts.jsonl"):
        yield Document(**row["document"]), [Span(*span) for span in row["spans"]]


class _Split:
    """Writes down what is known of one split's documents; only signatures wait in memory."""

    def __init__(self, settings: BuildSettings, texts: IO[str], heads: IO[str]) -> None:
        self.settings, self.texts, self.heads = settings, texts, heads
        self.signatures: list[NDArray[np.uint32]] = []
        self.skipped = self.records = 0

    def read(self, split: Split) -> None:
        for piece in split:
            for found in piece.read():
                if found.kind == "skipped":
                    self.skipped += 1
                    continue
                self._take(RawRecord(self.records, piece.name, found.line, found.kind, found.data))
                self.records += 1

    def _take(self, record: RawRecord) -> None:
        items = [self._item(item) for item in given.prepare(record, self.settings)]
        keys = [key.hex() for key in given.record_keys(record)]
        _write(self.heads, {"path": record.path, "line": record.line, "keys": keys, "items": items})

    def _item(self, item: given.Prepared | Reject) -> dict[str, Any]:
        if isinstance(item, Reject):
            return {"reject": asdict(item)}
        spans = [(span.start, span.end) for span in item.passages]
        _write(self.texts, {"document": asdict(item.document), "spans": spans})
        head = {"doc_id": item.document.doc_id, "passages": len(spans), "content": item.content.hex()}
        return {**head, "print": None if item.fingerprint is None else self._print(item.fingerprint)}

    def _print(self, found: Fingerprint) -> tuple[int, int, int | None]:
        """(exact, numbers, place of the signature or None)."""
        if found.signature is None:
            return found.exact, found.numbers, None
        self.signatures.append(found.signature)
        return found.exact, found.numbers, len(self.signatures) - 1


def _head(item: dict[str, Any], signatures: NDArray[np.uint32]) -> Head | Reject:
    if "reject" in item:
        return Reject(**item["reject"])
    found = None
    if item["print"] is not None:
        exact, numbers, place = item["print"]
        found = Fingerprint(exact, numbers, None if place is None else signatures[place])
    return Head(item["doc_id"], item["passages"], bytes.fromhex(item["content"]), found)


def _write(file: IO[str], row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=True) + "\n")


def _lines(storage: Storage, name: str, path: Path) -> Iterator[Any]:
    storage.get(name, path)
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
    path.unlink()
