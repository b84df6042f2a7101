"""FAISS indexes of one shard each, memory-mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from webbrain.errors import IndexDamaged


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
