"""Receipts of finished shards: what lets a killed build go on, and what the manifest is made of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from webbrain.models import sha256_file
from webbrain.store import layout
from webbrain.store.manifest import FileEntry, ShardEntry

from .files import write_json

STAGE = "stage"
STAGE_REJECTS = STAGE + "/{:05d}.rejects.jsonl"
STAGE_ALIASES = STAGE + "/{:05d}.aliases.jsonl"
RECEIPT = STAGE + "/{:05d}.receipt.json"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A finished shard: its sums, its files, and the corpus record that the next shard begins with.

    `skipped` counts the records up to there that are no pages by design.
    """

    entry: ShardEntry
    next_ordinal: int
    rejects: int
    aliases: int
    skipped: int
    last: bool
    files: dict[str, FileEntry] = field(default_factory=dict)

    def write(self, folder: Path, shard: int) -> None:
        write_json(folder / RECEIPT.format(shard), asdict(self))


def read_receipts(folder: Path) -> list[Receipt]:
    """Receipts from the first shard on, up to the first shard that is missing or whose files are not as noted.

    Receipts after that one are deleted: the shards they stand for rest on one that is made again.
    """
    found: list[Receipt] = []
    while (receipt := _read(folder, len(found))) is not None:
        found.append(receipt)
    drop_receipts(folder, len(found))
    return found


def drop_receipts(folder: Path, first: int) -> None:
    """Delete the receipts of shard `first` and all after it."""
    for path in folder.glob(f"{STAGE}/*.receipt.json"):
        if int(path.name.split(".")[0]) >= first:
            path.unlink()


def _read(folder: Path, shard: int) -> Receipt | None:
    try:
        raw = json.loads((folder / RECEIPT.format(shard)).read_text(encoding="utf-8"))
        raw["entry"] = ShardEntry(**raw["entry"])
        raw["files"] = {name: FileEntry(**entry) for name, entry in raw["files"].items()}
        receipt = Receipt(**raw)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    sound = all(_has_size(folder / name, entry.bytes) for name, entry in receipt.files.items())
    return receipt if sound else None


def shard_files(folder: Path, shard: int, *, dense: bool) -> dict[str, FileEntry]:
    """Size and digest of every file of a finished shard."""
    names = [*layout.SHARD_FILES, *([layout.VECTORS] if dense else [])]
    return {name.format(shard): file_entry(folder / name.format(shard)) for name in names}


def file_entry(path: Path) -> FileEntry:
    return FileEntry(path.stat().st_size, sha256_file(path))


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
