"""Shared storage of a cluster build: any fsspec address that all machines reach; a file is there whole or not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from webbrain.errors import ConfigError
from webbrain.extras import needs
from webbrain.models import sha256_file

from ..files import sync_file


@dataclass(frozen=True)
class Storage:
    """Files under an address such as `/mnt/shared/work`, `s3://bucket/prefix` or `gs://bucket/prefix`.

    Who may read and write is the address's own business (AWS_* variables and the like); nothing secret is kept here.
    """

    url: str

    @cached_property
    def _at(self) -> tuple[Any, str]:
        with needs("cluster"):
            import fsspec
        try:
            files, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"--storage {self.url} cannot be used ({error}); install the fsspec package of that kind of storage "
                "on every machine, or name a shared folder"
            ) from error
        return files, root.rstrip("/")

    @cached_property
    def folder(self) -> Path | None:
        """The storage as a folder, where it is one."""
        files, root = self._at
        return Path(root) if "file" in _kinds(files) else None

    def put(self, source: Path, name: str) -> None:
        """Store a file. In a folder: beside, flushed, renamed; an object store shows an object when it is whole."""
        if self.folder is None:
            self._at[0].put_file(str(source), self._path(name))
        else:
            _replace(self.folder / name, lambda beside: shutil.copyfile(source, beside))

    def get(self, name: str, target: Path) -> None:
        """Bring a file: as a link where the storage is a folder of this disk."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.folder is not None:
            with suppress(OSError):
                target.unlink(missing_ok=True)
                os.link(self.folder / name, target)
                return
        beside = target.with_name(target.name + ".new")
        self._at[0].get_file(self._path(name), str(beside))
        sync_file(beside)
        beside.replace(target)

    def put_json(self, name: str, value: Any) -> None:
        data = json.dumps(value, sort_keys=True).encode()
        if self.folder is None:
            self._at[0].pipe_file(self._path(name), data)
        else:
            _replace(self.folder / name, lambda beside: beside.write_bytes(data))

    def get_json(self, name: str) -> Any:
        """The value, or None where there is no such file or it is no JSON."""
        try:
            return json.loads(self._at[0].cat_file(self._path(name)))
        except (FileNotFoundError, ValueError):
            return None

    def size(self, name: str) -> int:
        """Bytes of a file; -1 where there is none."""
        files = self._at[0]
        files.invalidate_cache()
        try:
            return int(files.size(self._path(name)))
        except FileNotFoundError:
            return -1

    def holds(self, files: dict[str, dict[str, Any]]) -> bool:
        """Whether all of `files` (name -> {"bytes", ...}) are there at their sizes."""
        return all(self.size(name) == entry["bytes"] for name, entry in files.items())

    def remove(self) -> None:
        files, root = self._at
        with suppress(FileNotFoundError):
            files.rm(root, recursive=True)

    def _path(self, name: str) -> str:
        return f"{self._at[1]}/{name}"


def file_facts(path: Path) -> dict[str, Any]:
    """What a receipt says of a file."""
    return {"bytes": path.stat().st_size, "sha256": sha256_file(path)}


def _replace(target: Path, write: Callable[[Path], object]) -> None:
    """Write beside, flush, rename; two attempts of one task have two names beside."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.{uuid4().hex}.part")
    try:
        write(beside)
        sync_file(beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _kinds(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
