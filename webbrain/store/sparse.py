"""Learned-sparse postings of one shard, memory-mapped: per term the rows that have it, and their weights' codes."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import IndexDamaged
from webbrain.store import layout
from webbrain.store.arrays import open_array
from webbrain.store.tombstones import Rows, mask


class SparseShard:
    """Look-ups in one shard of `passages` rows; `deleted` rows keep their postings."""

    def __init__(self, folder: Path, shard: int, passages: int, deleted: Rows | None = None) -> None:
        self.path = folder / layout.SPARSE_ROWS.format(shard)
        self.passages, self.deleted = passages, deleted
        self._offsets = open_array(folder / layout.SPARSE_OFFSETS.format(shard), "<u8")
        self._rows = open_array(self.path, "<u4")
        self._codes = open_array(folder / layout.SPARSE_CODES.format(shard), "u1")

    @property
    def terms(self) -> int:
        return len(self._offsets) - 1

    def postings(self, term: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """(rows, codes) of a term: ascending uint32 rows within the shard, uint8 codes of its weights.

        Raises IndexDamaged.
        """
        part = self._part(term)
        rows, codes = self._rows[part], self._codes[part] >> 1
        if len(rows) and int(rows[-1]) >= self.passages:
            raise IndexDamaged(
                f"{self.path}: term {term} is in no passage of it; run `webbrain index verify DIR --full`"
            )
        return rows, codes

    def document_frequency(self, term: int) -> int:
        """How many live rows have the term among their own, not only as one related to them."""
        part = self._part(term)
        own = (self._codes[part] & 1).astype(bool)
        return int(np.count_nonzero(own if self.deleted is None else own & ~self._is_deleted[self._rows[part]]))

    def _part(self, term: int) -> slice:
        return slice(int(self._offsets[term]), int(self._offsets[term + 1]))

    @cached_property
    def _is_deleted(self) -> NDArray[Any]:
        assert self.deleted is not None
        return mask(self.deleted, self.passages)

    def check(self, terms: int) -> None:
        """Raises IndexDamaged unless the arrays agree in size and with the encoder's vocabulary."""
        if self.terms != terms or not int(self._offsets[-1]) == len(self._rows) == len(self._codes):
            raise IndexDamaged(f"{self.path.parent}: terms and postings disagree; rebuild the index")
