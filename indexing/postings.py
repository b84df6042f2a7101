"""The inverted index of one shard, made in memory and written as sorted, memory-mappable arrays."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import STOP_WORDS, Analyzer
from webbrain.store import layout

from .files import save_array, sync_file
from .terms import TermCounter, TermTable

MAX_COUNT = 65_535  # a term's count in one passage is held in 16 bits
BLOCK_WORDS = 1 << 15  # counted together


class _Numbers(dict[str, int]):
    """Terms numbered in the order of their first use."""

    def __missing__(self, term: str) -> int:
        number = self[term] = len(self)
        return number


class PostingsWriter:
    """Takes one passage after another; memory is eight bytes a posting of the shard."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.terms = _Numbers()
        self.numbers = array("I")
        self.counts = array("I")
        self.sizes = array("I")
        self._block = TermCounter(analyzer)
        self._table: TermTable | None = None
        self._own = np.empty(0, np.uint32)  # its vocabulary by the shard's numbers

    def add(self, text: str) -> None:
        self._block.add(text)
        if len(self._block.numbers) >= BLOCK_WORDS:
            self._take_block()

    def add_counted(self, table: TermTable, row: int) -> None:
        """A passage whose terms are counted already."""
        if len(self._block):
            self._take_block()
        self._take(table, row)

    def write(self, folder: Path, shard: int) -> int:
        """Write the shard's `bm25` files; returns its number of tokens (stop words left out)."""
        self._take_block()
        numbers, counts = np.asarray(self.numbers, np.uint32), np.asarray(self.counts, np.uint32)
        terms = list(self.terms)  # some are those of passages that came with these and were folded
        held = sorted(terms[number] for number in np.flatnonzero(np.bincount(numbers)).tolist())
        write_terms(folder, shard, [term.encode() for term in held])
        rank = np.zeros(len(terms), np.uint32)
        rank[[self.terms[term] for term in held]] = np.arange(len(held))
        ranks = rank[numbers]
        order = _stable_order(ranks)  # within a term the rows ascend already
        rows = np.repeat(np.arange(len(self.sizes), dtype=np.uint32), np.asarray(self.sizes, np.int64))
        ends = np.cumsum(np.bincount(ranks, minlength=len(held)))
        save_array(folder / layout.POSTING_OFFSETS.format(shard), np.array([0, *ends.tolist()], np.uint64))
        save_array(folder / layout.POSTING_ROWS.format(shard), rows[order])
        save_array(folder / layout.POSTING_COUNTS.format(shard), np.minimum(counts, MAX_COUNT).astype(np.uint16)[order])
        lengths = self._lengths(numbers, counts, rows)
        save_array(folder / layout.LENGTHS.format(shard), lengths)
        return int(lengths.sum())

    def _take_block(self) -> None:
        table = self._block.take()
        for row in range(len(table)):
            self._take(table, row)

    def _take(self, table: TermTable, row: int) -> None:
        if table is not self._table:
            self._table = table
            self._own = np.array(list(map(self.terms.__getitem__, table.vocabulary)), np.uint32)
        part = slice(table.ends[row], table.ends[row + 1])
        self.numbers.frombytes(self._own[table.numbers[part]].tobytes())
        self.counts.frombytes(table.counts[part].tobytes())
        self.sizes.append(part.stop - part.start)

    def _lengths(
        self, numbers: NDArray[np.uint32], counts: NDArray[np.uint32], rows: NDArray[np.uint32]
    ) -> NDArray[np.uint32]:
        """Terms per row that are not stop words."""
        stop = np.zeros(len(self.terms), bool)
        stop[[self.terms[word] for word in STOP_WORDS if word in self.terms]] = True
        content = np.where(stop[numbers], 0, counts)
        return np.bincount(rows, content, len(self.sizes)).astype(np.uint32)


def _stable_order(numbers: NDArray[np.uint32]) -> NDArray[np.int64]:
    """`np.argsort(numbers, kind="stable")` by halves, which are sorted in linear time."""
    low = np.argsort(numbers.astype(np.uint16), kind="stable")
    return low[np.argsort((numbers >> np.uint32(16)).astype(np.uint16)[low], kind="stable")]


def write_terms(folder: Path, shard: int, terms: list[bytes]) -> None:
    """The vocabulary of a shard, sorted."""
    path = folder / layout.TERMS.format(shard)
    path.write_bytes(b"".join(terms))
    sync_file(path)
    ends = np.cumsum([0, *map(len, terms)], dtype=np.uint64)
    save_array(folder / layout.TERM_OFFSETS.format(shard), ends)
