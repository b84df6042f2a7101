"""The manifest: what an index holds, how it was made, and the size and digest of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from webbrain.errors import IndexDamaged, IndexIncompatible
from webbrain.store.layout import FORMAT_VERSION, FORMATS_READ, MANIFEST, MANIFEST_DIGEST


@dataclass(frozen=True, slots=True)
class FileEntry:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """Sums of one shard, deleted rows among them; `tokens` counts terms that are not stop words."""

    documents: int
    passages: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """`settings` holds chunker, analyzer, bm25 and dense parameters; `encoder` is its card, or None without vectors;
    `sparse` is the card of the learned-sparse encoder, or None without one.

    `totals` counts what is live; `deleted_passages` and `deleted_documents` are those that only wait for `compact`.
    """

    build_id: str
    created: str
    corpus: Mapping[str, Any]
    settings: Mapping[str, Any]
    encoder: Mapping[str, Any] | None
    totals: Mapping[str, int]
    shards: tuple[ShardEntry, ...]
    files: Mapping[str, FileEntry]
    format_version: int = FORMAT_VERSION
    made_by: str = field(default="webbrain")
    sparse: Mapping[str, Any] | None = None

    def write(self, folder: Path) -> None:
        """Digest first, manifest last: a folder with a manifest is complete."""
        data = (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()
        (folder / MANIFEST_DIGEST).write_text(hashlib.sha256(data).hexdigest() + "\n", encoding="ascii")
        (folder / MANIFEST).write_bytes(data)


def read_manifest(folder: Path) -> Manifest:
    """Raises IndexDamaged when the manifest is missing or altered, IndexIncompatible for another format."""
    path = folder / MANIFEST
    repair = "rebuild with `webbrain index build CORPUS --output DIR`"
    try:
        data = path.read_bytes()
        digest = (folder / MANIFEST_DIGEST).read_text(encoding="ascii")
        if digest != hashlib.sha256(data).hexdigest() + "\n":
            raise ValueError("it does not match its digest")
        raw = json.loads(data)
        version = raw["format_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexDamaged(f"{path} cannot be read ({error}); {repair}") from error
    if version not in FORMATS_READ:
        read = " and ".join(map(str, FORMATS_READ))
        raise IndexIncompatible(f"{path} has format {version}, this webbrain reads {read}; {repair}")
    raw["shards"] = tuple(ShardEntry(**entry) for entry in raw["shards"])
    raw["files"] = {name: FileEntry(**entry) for name, entry in raw["files"].items()}
    return Manifest(**raw)
