"""A folder as a few files of bounded size, to carry over a channel that takes no more; put together again by digest."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections.abc import Sequence
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import Any

from webbrain.errors import ConfigError, CorpusError
from webbrain.models import sha256_file

MANIFEST = "parts.json"
PART_BYTES = 15 << 20
MOST_DICTIONARY, LEAST_DICTIONARY = 1 << 28, 1 << 20  # bytes: sets of one dataset repeat each other's passages


def pack_parts(folder: Path, target: Path, part_bytes: int = PART_BYTES, only: Sequence[str] = ("*",)) -> list[Path]:
    """Write `<name>.000` ... and `parts.json` into `target`: the folder's files that match one of `only`, compressed.

    The same files always give the same bytes. Raises ConfigError when there is nothing to carry.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and _matches(path, folder, only)]
    if not found:
        raise ConfigError(f"{folder} holds no file like {', '.join(only)}; name the folder to carry")
    target.mkdir(parents=True, exist_ok=True)
    parts: Any = _PartWriter(target / folder.name, part_bytes)
    with lzma.open(parts, "wb", filters=[_filter(found)]) as packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        for path in found:
            archive.add(path, f"{folder.name}/{path.relative_to(folder)}", filter=_plain)
    entries = {path.name: sha256_file(path) for path in parts.paths}
    (target / MANIFEST).write_text(json.dumps({"folder": folder.name, "parts": entries}, indent=1), encoding="utf-8")
    return list(parts.paths)


def join_parts(source: Path, target: Path) -> Path:
    """Put the folder back under `target`; raises CorpusError when a part is missing or altered."""
    manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    reader = _PartReader(source, dict(manifest["parts"]))
    with lzma.open(io.BufferedReader(reader), "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
        archive.extractall(target, filter="data")
    return target / str(manifest["folder"])


def _filter(paths: Sequence[Path]) -> dict[str, int]:
    """LZMA that can look back over all of it."""
    size = sum(path.stat().st_size for path in paths)
    return {"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": min(max(size, LEAST_DICTIONARY), MOST_DICTIONARY)}


class _PartWriter(io.RawIOBase):
    """One stream of bytes into files of `limit` bytes."""

    def __init__(self, stem: Path, limit: int) -> None:
        self.stem, self.limit = stem, limit
        self.paths: list[Path] = []
        self._room = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        written = 0
        while written < len(view):
            if not self._room:
                self.paths.append(self.stem.with_name(f"{self.stem.name}.{len(self.paths):03d}"))
                self.paths[-1].write_bytes(b"")
                self._room = self.limit
            piece = view[written : written + self._room]
            with self.paths[-1].open("ab") as file:
                file.write(piece)
            written += len(piece)
            self._room -= len(piece)
        return written


class _PartReader(io.RawIOBase):
    """The parts one after another, each checked before its first byte is given out."""

    def __init__(self, folder: Path, digests: dict[str, str]) -> None:
        self._waiting = [(folder / name, digest) for name, digest in digests.items()]
        self._open = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not (data := self._open.read(len(buffer))) and self._waiting:
            path, digest = self._waiting.pop(0)
            whole = path.read_bytes() if path.is_file() else b""
            if sha256(whole).hexdigest() != digest:
                raise CorpusError("this part is missing or altered; fetch it again", path)
            self._open = io.BytesIO(whole)
        buffer[: len(data)] = data
        return len(data)


def _matches(path: Path, folder: Path, only: Sequence[str]) -> bool:
    return any(fnmatch(str(path.relative_to(folder)), pattern) for pattern in only)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what changes from machine to machine."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry
