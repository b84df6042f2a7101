"""One split: its records cleaned, chunked and fingerprinted, stored for the pass that decides what is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.sentences import Span
from webbrain.types import Document, Passage

from ..chunk import ChunkSettings, chunk, passages_at
from ..duplicates import PERMUTATIONS, Fingerprint
from ..read import RawRecord, Reject, clean
from .splits import Split
from .storage import Storage, file_facts

ITEMS = "prepared/{:06d}.items.jsonl"
IDS = "prepared/{:06d}.ids.json"
FACTS = "prepared/{:06d}.facts.npy"
SIGNATURES = "prepared/{:06d}.signatures.npy"
RECEIPT = "prepared/{:06d}.json"

# One document or reject: its record within the split, its passages (0 for a reject), and its text's fingerprint.
FACT_DTYPE = [
    ("record", "<u4"),
    ("reject", "?"),
    ("passages", "<u4"),
    ("exact", "<i8"),
    ("numbers", "<i8"),
    ("signature", "<i4"),
]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Documents, rejects and fingerprints of a split, read back."""

    records: int
    skipped: int
    ids: list[str]
    facts: NDArray[Any]
    signatures: NDArray[np.uint32]

    def rejected(self, item: int) -> bool:
        return bool(self.facts[item]["reject"])

    def passages(self, item: int) -> int:
        return int(self.facts[item]["passages"])

    def ends_record(self, item: int) -> bool:
        """Whether the next item is of another record."""
        records = self.facts["record"]
        return item + 1 == len(records) or bool(records[item + 1] != records[item])

    def fingerprint(self, item: int) -> Fingerprint:
        fact = self.facts[item]
        place = int(fact["signature"])
        return Fingerprint(int(fact["exact"]), int(fact["numbers"]), None if place < 0 else self.signatures[place])


def prepare(storage: Storage, number: int, split: Split, chunker: ChunkSettings) -> None:
    """Make the files of split `number` and sign for them; nothing where that is done already."""
    if is_prepared(storage, number):
        return
    with TemporaryDirectory() as folder:
        work = _Split(Path(folder), chunker)
        with work.path(ITEMS).open("w", encoding="utf-8") as items:
            records, skipped = work.read(split, items)
        work.path(IDS).write_text(json.dumps(work.ids), encoding="utf-8")
        np.save(work.path(FACTS), np.array(work.facts, FACT_DTYPE))
        np.save(work.path(SIGNATURES), np.array(work.signatures, np.uint32).reshape(-1, PERMUTATIONS))
        files = {}
        for pattern in (ITEMS, IDS, FACTS, SIGNATURES):
            storage.put(work.path(pattern), pattern.format(number))
            files[pattern.format(number)] = file_facts(work.path(pattern))
    storage.put_json(RECEIPT.format(number), {"records": records, "skipped": skipped, "files": files})


def is_prepared(storage: Storage, number: int) -> bool:
    receipt = storage.get_json(RECEIPT.format(number))
    return receipt is not None and storage.holds(receipt["files"])


def read_facts(storage: Storage, number: int, folder: Path) -> Prepared:
    """What the fold needs of a split; its texts stay where they are."""
    receipt = storage.get_json(RECEIPT.format(number))
    arrays = []
    for pattern in (FACTS, SIGNATURES):
        storage.get(pattern.format(number), folder / "array.npy")
        arrays.append(np.load(folder / "array.npy", allow_pickle=False))
    ids = storage.get_json(IDS.format(number))
    return Prepared(receipt["records"], receipt["skipped"], ids, arrays[0], arrays[1])


@dataclass(frozen=True, slots=True)
class Item:
    """A document or reject of a split, the document's passages, and where in the corpus it stands."""

    content: Document | Reject
    passages: list[Passage]
    path: str
    line: int


def read_items(storage: Storage, number: int, folder: Path) -> Iterator[Item]:
    """Documents and rejects of a split, in order."""
    path = folder / "items.jsonl"
    storage.get(ITEMS.format(number), path)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield _item(json.loads(line))
    path.unlink()


def _item(row: dict[str, Any]) -> Item:
    if row["kind"] == "reject":
        return Item(Reject(**row["content"]), [], row["path"], row["line"])
    document = Document(**row["content"])
    return Item(document, passages_at(document, (Span(*span) for span in row["spans"])), row["path"], row["line"])


class _Split:
    """Collects what is known of one split's documents; texts go to disk as they come."""

    def __init__(self, folder: Path, chunker: ChunkSettings) -> None:
        self.folder, self.chunker = folder, chunker
        self.ids: list[str] = []
        self.facts: list[tuple[int, bool, int, int, int, int]] = []
        self.signatures: list[NDArray[np.uint32]] = []
        (folder / "prepared").mkdir()

    def path(self, pattern: str) -> Path:
        return self.folder / pattern.format(0)

    def read(self, split: Split, items: IO[str]) -> tuple[int, int]:
        """(records, records skipped as no pages)."""
        counts: Counter[str] = Counter()
        for piece in split:
            for found in piece.read():
                if found.kind == "skipped":
                    counts["skipped"] += 1
                    continue
                record = RawRecord(counts["records"], piece.name, found.line, found.kind, found.data)
                counts["records"] += 1
                for item in clean(record):
                    self._take(item, record, items)
        return counts["records"], counts["skipped"]

    def _take(self, item: Document | Reject, record: RawRecord, items: IO[str]) -> None:
        self.ids.append(item.doc_id)
        row: dict[str, Any] = {"content": asdict(item), "path": record.path, "line": record.line}
        if isinstance(item, Reject):
            self.facts.append((record.ordinal, True, 0, 0, 0, -1))
            row["kind"] = "reject"
        else:
            spans = [(passage.start, passage.end) for passage in chunk(item, self.chunker)]
            self.facts.append((record.ordinal, False, len(spans), *self._fingerprint(item.text)))
            row |= {"kind": "document", "spans": spans}
        items.write(json.dumps(row, ensure_ascii=True) + "\n")

    def _fingerprint(self, text: str) -> tuple[int, int, int]:
        found = Fingerprint.of(text)
        if found.signature is None:
            return found.exact, found.numbers, -1
        self.signatures.append(found.signature)
        return found.exact, found.numbers, len(self.signatures) - 1
