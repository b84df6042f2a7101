"""Encoding a shard's passages, block by block, so that a killed build goes on from the last whole block."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.protocols import Encoder
from webbrain.store import layout
from webbrain.store.passages import PassageShard
from webbrain.store.vectors import pick

from .files import sync_file, sync_folder
from .shard import passage_text

BLOCK = 256  # passages encoded between two flushes to disk
PART = "dense/{:05d}.part"


def encode_shard(folder: Path, shard: int, encoder: Encoder, advance: Callable[[int], None]) -> None:
    """Write the shard's FAISS index; `advance(n)` is told of every `n` passages done or found done."""
    passages = PassageShard(folder, shard)
    part = folder / PART.format(shard)
    part.parent.mkdir(exist_ok=True)
    done = _whole_blocks(part, encoder.dim, len(passages))
    advance(done)
    with part.open("r+b" if part.exists() else "w+b") as file:
        file.truncate(done * encoder.dim * 4)
        file.seek(0, os.SEEK_END)
        for begin in range(done, len(passages), BLOCK):
            rows = [passages.passage(row) for row in range(begin, min(begin + BLOCK, len(passages)))]
            vectors = encoder.encode([passage_text(row.title, row.text) for row in rows])
            file.write(vectors.astype("<f4").tobytes())
            file.flush()
            os.fsync(file.fileno())
            advance(len(rows))
    _write_vectors(part, folder / layout.VECTORS.format(shard), encoder.dim)
    part.unlink()


def _whole_blocks(part: Path, dim: int, passages: int) -> int:
    """Passages that an earlier run has encoded: whole blocks only, since only those were flushed."""
    rows = part.stat().st_size // (dim * 4) if part.exists() else 0
    return min(rows - rows % BLOCK, passages)


def _write_vectors(part: Path, target: Path, dim: int) -> None:
    """Half-precision vectors, searched exhaustively: no training, so a vector's code depends on nothing but itself."""
    import faiss

    vectors = np.fromfile(part, "<f4").reshape(-1, dim)
    index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    write_faiss(index, target)


def write_faiss(index: Any, target: Path) -> None:
    """Write beside, flush to disk, rename."""
    import faiss

    beside = target.with_name(target.name + ".new")
    try:
        faiss.write_index(index, str(beside))
    except RuntimeError as error:
        raise OSError(f"{beside}: {error}") from error
    sync_file(beside)
    beside.replace(target)
    sync_folder(target.parent)


def copy_vectors(sources: Sequence[tuple[Any, NDArray[np.int64]]], target: Path) -> None:
    """Write some rows of several shards' FAISS indexes as one: the codes as they are, so nothing is encoded again."""
    merged = pick(*sources[0])
    for vectors, rows in sources[1:]:
        part = pick(vectors, rows)
        merged.merge_from(part, 0)
    write_faiss(merged, target)
