"""FAISS indexes of one shard each, memory-mapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import IndexDamaged
from webbrain.store.tombstones import Rows, mask


def open_vectors(path: Path, passages: int, dim: int) -> Any:
    """Open a shard's FAISS index; raises IndexDamaged when it is unreadable or of another shape."""
    vectors = read_faiss(path)
    if vectors.ntotal != passages or vectors.d != dim:
        raise IndexDamaged(
            f"{path} holds {vectors.ntotal} vectors of {vectors.d}, not {passages} of {dim}; rebuild the index"
        )
    return vectors


def read_faiss(path: Path) -> Any:
    """A FAISS index, memory-mapped as far as its kind allows; raises IndexDamaged."""
    import faiss

    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise IndexDamaged(f"{path} cannot be read; run `webbrain index verify DIR --full`") from error


@contextmanager
def one_thread() -> Iterator[None]:
    """FAISS on the calling thread alone: it wakes a team of threads for every search, which with one query has work for
    one of them, and on a busy machine they wait for each other."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def pick(vectors: Any, rows: NDArray[np.int64]) -> Any:
    """A small FAISS index of some of a shard's vectors, in the order of `rows`: scored to the last bit as in the
    whole."""
    import faiss

    size = vectors.sa_code_size()
    codes = faiss.rev_swig_ptr(vectors.codes.data(), vectors.ntotal * size).reshape(-1, size)
    part = faiss.IndexScalarQuantizer(vectors.d, vectors.sq.qtype, vectors.metric_type)
    part.add_sa_codes(np.ascontiguousarray(codes[rows]))
    return part


def live_selector(passages: int, deleted: Rows | None) -> Any:
    """The selector, for `faiss.SearchParameters(sel=...)`, of a shard's rows that are not deleted; None for all."""
    import faiss

    if deleted is None:
        return None
    selector: Any = faiss.IDSelectorBitmap  # FAISS's own annotations know its C++ signature only
    return selector(np.packbits(~mask(deleted, passages), bitorder="little"))
