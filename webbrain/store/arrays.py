"""Memory-mapped arrays: opening one costs the same whatever its length."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import IndexDamaged


def open_array(path: Path) -> NDArray[Any]:
    """A read-only memory map of a `.npy` file (never a pickle)."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
    except (OSError, ValueError, EOFError) as error:
        raise IndexDamaged(f"{path} cannot be read ({error}); run `webbrain index verify DIR --full`") from error


def open_bytes(path: Path) -> mmap.mmap | bytes:
    """A read-only memory map of a file; b"" for an empty one, which cannot be mapped."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise IndexDamaged(f"{path} cannot be read ({error}); run `webbrain index verify DIR --full`") from error
