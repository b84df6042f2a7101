"""Rows that are deleted: they stay in their immutable shard until `compact`, and every reader passes them over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import IndexDamaged
from webbrain.store import layout
from webbrain.store.arrays import open_array
from webbrain.store.manifest import Manifest

Rows = NDArray[np.uint32]


def read_deleted(build: Path, manifest: Manifest) -> list[Rows | None]:
    """Per shard its deleted rows, ascending uint32 of shape (n,), memory-mapped; None where there are none.

    Raises IndexDamaged for rows that are no rows of their shard.
    """
    names = [layout.DELETED.format(shard) for shard in range(len(manifest.shards))]
    return [
        _read(build / name, entry.passages) if name in manifest.files else None
        for name, entry in zip(names, manifest.shards, strict=True)
    ]


def mask(rows: Rows, passages: int) -> NDArray[Any]:
    """Whether each of a shard's rows is deleted, bool of shape (passages,)."""
    deleted = np.zeros(passages, bool)
    deleted[rows] = True
    return deleted


def _read(path: Path, passages: int) -> Rows:
    rows: Rows = open_array(path, "<u4")
    if len(rows) == 0 or int(rows[-1]) >= passages or np.any(rows[1:] <= rows[:-1]):
        raise IndexDamaged(f"{path} names no rows of its shard; run `webbrain index verify DIR --full`")
    return rows
