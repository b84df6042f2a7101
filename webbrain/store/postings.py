"""The inverted index of one shard: sorted terms, and per term the rows that hold it with their counts."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import IndexDamaged
from webbrain.store import layout
from webbrain.store.arrays import open_array, open_bytes
from webbrain.store.tombstones import Rows, mask

NO_ROWS: NDArray[np.uint32] = np.zeros(0, np.uint32)
NO_COUNTS: NDArray[np.uint16] = np.zeros(0, np.uint16)


class PostingsShard:
    """Look-ups in one shard. `lengths` counts each row's terms that are no stop words, uint32 of shape (rows,).

    `deleted` rows keep their postings; they are left out of `document_frequency` alone.
    """

    def __init__(self, folder: Path, shard: int, deleted: Rows | None = None) -> None:
        self.deleted = deleted
        self.path = folder / layout.TERMS.format(shard)
        self._terms = open_bytes(self.path)
        # As memory views, whose items are plain integers: a look-up reads some twenty.
        self._term_offsets = open_array(folder / layout.TERM_OFFSETS.format(shard), "<u8").data
        self._offsets = open_array(folder / layout.POSTING_OFFSETS.format(shard), "<u8").data
        self._rows = open_array(folder / layout.POSTING_ROWS.format(shard), "<u4")
        self._counts = open_array(folder / layout.POSTING_COUNTS.format(shard), "<u2")
        self.lengths = open_array(folder / layout.LENGTHS.format(shard), "<u4")

    @property
    def vocabulary(self) -> int:
        return len(self._term_offsets) - 1

    def term(self, number: int) -> bytes:
        return bytes(self._terms[self._term_offsets[number] : self._term_offsets[number + 1]])

    def find(self, term: str) -> int | None:
        """The number of a term in this shard, by binary search over the sorted terms."""
        wanted = term.encode()
        number = bisect_left(range(self.vocabulary), wanted, key=self.term)
        return number if number < self.vocabulary and self.term(number) == wanted else None

    def document_frequency(self, number: int | None) -> int:
        """How many live rows hold the term (0 for None); raises IndexDamaged for more rows than there are."""
        found = 0 if number is None else self._offsets[number + 1] - self._offsets[number]
        if not 0 <= found <= len(self.lengths):
            raise IndexDamaged(
                f"{self.path.parent}: term {number} is in {found} of {len(self.lengths)} passages; "
                "run `webbrain index verify DIR --full`"
            )
        return found if self.deleted is None or number is None else found - self._deleted_postings(number)

    def _deleted_postings(self, number: int) -> int:
        return int(np.count_nonzero(self._is_deleted[self.postings(number)[0]]))

    @cached_property
    def _is_deleted(self) -> NDArray[Any]:
        assert self.deleted is not None
        return mask(self.deleted, len(self.lengths))

    def postings(self, number: int | None) -> tuple[NDArray[Any], NDArray[Any]]:
        """(rows, counts) of a term: ascending uint32 rows within the shard, uint16 counts; raises IndexDamaged."""
        if number is None:
            return NO_ROWS, NO_COUNTS
        part = slice(self._offsets[number], self._offsets[number + 1])
        rows, counts = self._rows[part], self._counts[part]
        if len(rows) and int(rows.max()) >= len(self.lengths):
            raise IndexDamaged(
                f"{self.path.parent}: term {number} is in no passage of it; run `webbrain index verify DIR --full`"
            )
        return rows, counts

    def check(self, passages: int) -> None:
        """Raises IndexDamaged unless vocabulary, postings and lengths agree in size."""
        sizes = (
            len(self.lengths) == passages
            and len(self._offsets) == len(self._term_offsets)
            and self._term_offsets[-1] == len(self._terms)
            and self._offsets[-1] == len(self._rows) == len(self._counts)
        )
        if not sizes:
            raise IndexDamaged(f"{self.path.parent}: vocabulary, postings and lengths disagree; rebuild the index")
