"""A folder as a few files of bounded size, to carry over a channel that takes no more; put together again by digest."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

from webbrain.errors import ConfigError, CorpusError

MANIFEST = "parts.json"
PART_BYTES = 15 << 20


def pack_parts(folder: Path, target: Path, part_bytes: int = PART_BYTES) -> list[Path]:
    """Write `<name>.000` ... and `parts.json` into `target`; the same folder always gives the same bytes."""
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder; name the one to carry")
    target.mkdir(parents=True, exist_ok=True)
    whole = _archive(folder)
    paths, entries = [], {}
    for number, start in enumerate(range(0, len(whole), part_bytes)):
        part = whole[start : start + part_bytes]
        paths.append(target / f"{folder.name}.{number:03d}")
        paths[-1].write_bytes(part)
        entries[paths[-1].name] = hashlib.sha256(part).hexdigest()
    (target / MANIFEST).write_text(json.dumps({"folder": folder.name, "parts": entries}, indent=1), encoding="utf-8")
    return paths


def join_parts(source: Path, target: Path) -> Path:
    """Put the folder back under `target`; raises CorpusError when a part is missing or altered."""
    manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    whole = b"".join(_read_parts(source, manifest["parts"]))
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        archive.extractall(target, filter="data")
    return target / str(manifest["folder"])


def _read_parts(source: Path, entries: dict[str, str]) -> Iterator[bytes]:
    for name, digest in entries.items():
        path = source / name
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise CorpusError("this part is missing or altered; fetch it again", path)
        yield data


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.add(path, f"{folder.name}/{path.relative_to(folder)}", filter=_plain)
    return buffer.getvalue()


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what changes from machine to machine."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry
