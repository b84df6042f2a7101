"""FAISS indexes of one shard each, memory-mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from webbrain.errors import IndexDamaged
from webbrain.store.tombstones import Rows, mask


def open_vectors(path: Path, passages: int, dim: int) -> Any:
    """Open a shard's FAISS index; raises IndexDamaged when it is unreadable or of another shape."""
    import faiss

    try:
        vectors = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise IndexDamaged(f"{path} cannot be read; run `webbrain index verify DIR --full`") from error
    if vectors.ntotal != passages or vectors.d != dim:
        raise IndexDamaged(
            f"{path} holds {vectors.ntotal} vectors of {vectors.d}, not {passages} of {dim}; rebuild the index"
        )
    return vectors


def live_selector(passages: int, deleted: Rows | None) -> Any:
    """The selector, for `faiss.SearchParameters(sel=...)`, of a shard's rows that are not deleted; None for all."""
    import faiss

    if deleted is None:
        return None
    selector: Any = faiss.IDSelectorBitmap  # FAISS's own annotations know its C++ signature only
    return selector(np.packbits(~mask(deleted, passages), bitorder="little"))
