"""Memory-mapped arrays: opening one costs the same whatever its length."""

from __future__ import annotations

import errno
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from webbrain.errors import ConfigError, IndexDamaged, WebBrainError

MOST_FILES = 1 << 20


def open_array(path: Path, dtype: DTypeLike) -> NDArray[Any]:
    """A read-only memory map of a one-dimensional `.npy` file (never a pickle); IndexDamaged for another type."""
    try:  # a plain view of the map: indexing `np.memmap` itself is ten times slower
        array: NDArray[Any] = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:  # the header is a Python literal, and numpy fails in many ways to parse it
        raise _unreadable(path, error) from error
    if array.ndim != 1 or array.dtype != np.dtype(dtype):
        raise _unreadable(path, ValueError(f"{array.ndim} dimensions of {array.dtype}"))
    return array


def open_bytes(path: Path) -> mmap.mmap | bytes:
    """A read-only memory map of a file; b"" for an empty one, which cannot be mapped."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise _unreadable(path, error) from error


def lift_file_limit() -> None:
    """Let this process open as many files as the system allows it: each map holds one, and a shard has eleven."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _unreadable(path: Path, error: Exception) -> WebBrainError:
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return ConfigError(
            f"{path} is one file too many for this process; raise `ulimit -n`, "
            "or rebuild the index with a larger --shard-passages"
        )
    return IndexDamaged(f"{path} cannot be read ({error}); run `webbrain index verify DIR --full`")
