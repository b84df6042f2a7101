"""Receipts of finished shards: what lets a killed build go on, and what the manifest is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webbrain.models import sha256_file
from webbrain.store import layout
from webbrain.store.manifest import FileEntry, ShardEntry

STAGE = "stage"
STAGE_STATE = STAGE + "/state.sqlite"  # where it is, the run that made it can be gone on with


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

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Receipt:
        files = {name: FileEntry(**entry) for name, entry in raw["files"].items()}
        return cls(**{**raw, "entry": ShardEntry(**raw["entry"]), "files": files})

    def is_sound(self, folder: Path) -> bool:
        """Whether all its files are there, in the size they had."""
        return all(_has_size(folder / name, entry.bytes) for name, entry in self.files.items())


def shard_files(folder: Path, shard: int, *, dense: bool) -> dict[str, FileEntry]:
    """Size and digest of every file of a finished shard."""
    names = [*layout.SHARD_FILES, *([layout.VECTORS] if dense else [])]
    return {name.format(shard): file_entry(folder / name.format(shard)) for name in names}


def file_entry(path: Path) -> FileEntry:
    return FileEntry(path.stat().st_size, sha256_file(path))


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
