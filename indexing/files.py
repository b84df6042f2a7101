"""Writing so that a crash leaves either the old file or the new one, and the write lock of an index."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from webbrain.errors import IndexBusy, IndexNotWritten
from webbrain.store.layout import LOCK


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside, flush to disk, rename."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def save_array(path: Path, array: Any) -> None:
    """A `.npy` file, flushed to disk."""
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def link_file(source: Path, target: Path) -> None:
    """A second name for a file that nobody writes any more; a copy where the file system knows no such names."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
        sync_file(target)


def sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """Hold the index's only write lock; raises IndexBusy at once when another process has it.

    What the system refuses inside becomes IndexNotWritten.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(str(folder / LOCK), timeout=0):
            yield
    except Timeout as error:
        raise IndexBusy(
            f"another process is writing {folder}; wait for it to end, then run the same command"
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise IndexNotWritten(
            f"writing {folder} failed ({error}); mend that and run the same command: finished shards are kept"
        ) from error
