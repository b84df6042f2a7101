"""Inverted lists over an index's vectors: which rows to look at, so that a search need not look at all of them.

Beside the exact vectors of a shard lie the same vectors as four-bit product codes, in lists by nearest centre (Jegou,
Douze and Schmid, TPAMI 2011; scanned in registers as by Andre, Kermarrec and Le Scouarnec, VLDB 2015). Centres and code
book are the whole index's, so shards change nothing; the candidates are scored anew from the exact vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import IndexDamaged
from webbrain.protocols import Vectors
from webbrain.store import layout
from webbrain.store.arrays import open_array
from webbrain.store.manifest import ShardEntry
from webbrain.store.vectors import read_faiss

Rows = NDArray[np.int64]
CODES_SIDE_BY_SIDE = 32  # that are scanned at once: a list's codes lie in blocks of so many, its rows behind them
ROW_BYTES = 8


@dataclass(frozen=True, slots=True)
class Lists:
    """`trained` holds centres and code book, `shards` each shard's lists: a FAISS index over memory-mapped codes."""

    trained: Any
    shards: Sequence[Any]

    @property
    def lists(self) -> int:
        return int(self.trained.nlist)

    def candidates(self, query: Vectors, probes: int, count: int, live: Sequence[Any]) -> list[Rows]:
        """Per shard its rows, ascending, among the best `count` of the `probes` lists nearest to `query` (1, dim).

        `live` holds each shard's FAISS selector of the rows to search, None for all.
        """
        near, centres = self.trained.quantizer.search(query, min(probes, self.lists))
        found = [
            _scan(shard, query, count, centres, near, selector)
            for shard, selector in zip(self.shards, live, strict=True)
        ]
        if len(found) == 1:
            return [np.sort(found[0][1])]
        scores = np.concatenate([scores for scores, _ in found])
        keep = np.zeros(len(scores), bool)
        keep[np.argsort(-scores, kind="stable")[:count]] = True
        parts = np.split(keep, np.cumsum([len(rows) for _, rows in found])[:-1])
        return [np.sort(rows[kept]) for (_, rows), kept in zip(found, parts, strict=True)]


def open_lists(folder: Path, shards: Iterable[ShardEntry]) -> Lists:
    """The lists of a build; raises IndexDamaged when they are not those of its shards."""
    trained = read_faiss(folder / layout.TRAINED)
    return Lists(trained, [open_shard(folder, number, entry, trained) for number, entry in enumerate(shards)])


def open_shard(folder: Path, number: int, entry: ShardEntry, trained: Any) -> Any:
    """The lists of one shard, as a FAISS index without centres."""
    import faiss

    path = folder / layout.LIST_CODES.format(number)
    places = open_array(folder / layout.LIST_PLACES.format(number), layout.LIST_DTYPE)
    _check(path, places, entry, trained)
    codes: Any = faiss.OnDiskInvertedLists()
    codes.nlist, codes.code_size, codes.prefetch_nthread = len(places), trained.code_size, 0
    codes.filename, codes.totsize, codes.read_only = str(path), path.stat().st_size, True
    codes.lists.resize(len(places))
    faiss.memcpy(codes.lists.data(), faiss.swig_ptr(places.view(np.uint8)), places.nbytes)
    codes.do_mmap()
    index = bare_index(trained)
    index.replace_invlists(codes, False)
    index.ntotal = entry.passages
    index.referenced_objects.append(codes)  # FAISS itself does not keep them alive
    return index


def bare_index(trained: Any) -> Any:
    """A FAISS index with the code book of `trained`, without its centres and with nothing in its lists."""
    import faiss

    dim = trained.d
    index: Any = faiss.IndexIVFPQFastScan(
        faiss.IndexFlatIP(dim), dim, trained.nlist, dim // 2, 4, faiss.METRIC_INNER_PRODUCT
    )
    index.by_residual, index.pq, index.is_trained = False, trained.pq, True
    return index


def _check(path: Path, places: NDArray[Any], entry: ShardEntry, trained: Any) -> None:
    """FAISS would read whatever lies at a wrong place."""
    held = int(places["size"].sum())
    if (held, len(places)) != (entry.passages, trained.nlist):
        raise IndexDamaged(
            f"{path} holds {held} codes in {len(places)} lists, not {entry.passages} in {trained.nlist}; "
            "rebuild the index"
        )
    ends = places["offset"] + places["capacity"] * np.uint64(trained.code_size + ROW_BYTES)
    blocks = (places["capacity"] % CODES_SIDE_BY_SIDE == 0) & (places["size"] <= places["capacity"])
    if not blocks.all() or int(ends.max(initial=0)) > path.stat().st_size:
        raise IndexDamaged(f"{path} is shorter than its lists; run `webbrain index verify DIR --full`")


def _scan(shard: Any, query: Vectors, count: int, centres: Rows, near: Vectors, live: Any) -> tuple[Vectors, Rows]:
    """(approximate scores, rows), best first, of the rows of one shard in the lists `centres` (1, probes)."""
    import faiss

    scores = np.empty((1, count), np.float32)
    rows = np.empty((1, count), np.int64)
    parameters: Any = faiss.SearchParametersIVF
    options = parameters(nprobe=centres.shape[1], **({} if live is None else {"sel": live}))
    pointers = [faiss.swig_ptr(array) for array in (centres, near, scores, rows)]
    # The Python wrapper of this method takes no parameters, and so no selector.
    shard.search_preassigned_c(1, faiss.swig_ptr(query), count, *pointers, False, options, None)
    return scores[rows >= 0], rows[rows >= 0]
