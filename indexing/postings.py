"""The inverted index of one shard, made in memory and written as sorted, memory-mappable arrays."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import STOP_WORDS
from webbrain.store import layout

from .files import save_array, sync_file
from .terms import Numbering, TermTable

MAX_COUNT = 65_535  # a term's count in one passage is held in 16 bits


class PostingsWriter:
    """Takes passages by their terms; memory is eight bytes a posting of the shard, three times that while it writes."""

    def __init__(self) -> None:
        self.terms = Numbering()
        self.numbers = array("I")
        self.counts = array("I")
        self.sizes = array("I")
        # Vocabularies of tables, by identity, with the shard's number plus one of each of their terms.
        self._known: dict[int, tuple[list[str], NDArray[np.uint32]]] = {}

    def take(self, table: TermTable, first: int, last: int) -> None:
        """The passages that are the rows from `first` up to `last` of a table."""
        ends = table.ends[first : last + 1]
        part = slice(ends[0], ends[-1])
        self.numbers.frombytes(self._own(table.vocabulary, table.numbers[part]).tobytes())
        self.counts.frombytes(table.counts[part].tobytes())
        self.sizes.frombytes(np.diff(ends).astype(np.uint32).tobytes())

    def _own(self, vocabulary: list[str], numbers: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The shard's numbers of terms of a vocabulary."""
        _, known = self._known.get(id(vocabulary), (vocabulary, np.zeros(0, np.uint32)))
        if len(known) < len(vocabulary):
            known = np.append(known, np.zeros(len(vocabulary), np.uint32))  # room to grow, so that this is seldom done
            self._known[id(vocabulary)] = vocabulary, known
        new = np.unique(numbers[known[numbers] == 0])
        known[new] = [self.terms[vocabulary[number]] + 1 for number in new.tolist()]
        return known[numbers] - np.uint32(1)

    def write(self, folder: Path, shard: int) -> int:
        """Write the shard's `bm25` files; returns its number of tokens (stop words left out)."""
        numbers, counts = np.asarray(self.numbers, np.uint32), np.asarray(self.counts, np.uint32)
        terms = self.terms.terms  # some are those of passages that came with these and were folded
        held = sorted(np.flatnonzero(np.bincount(numbers)).tolist(), key=terms.__getitem__)
        write_terms(folder, shard, [terms[number].encode() for number in held])
        rank = np.zeros(len(terms), np.uint32)
        rank[held] = np.arange(len(held))
        ranks = rank[numbers]
        ends = np.cumsum(np.bincount(ranks, minlength=len(held)))
        save_array(folder / layout.POSTING_OFFSETS.format(shard), np.array([0, *ends.tolist()], np.uint64))
        order = _stable_order(ranks)  # within a term the rows ascend already
        rows = np.repeat(np.arange(len(self.sizes), dtype=np.uint32), np.asarray(self.sizes, np.int64))
        save_array(folder / layout.POSTING_ROWS.format(shard), rows[order])
        save_array(folder / layout.POSTING_COUNTS.format(shard), np.minimum(counts, MAX_COUNT).astype(np.uint16)[order])
        lengths = self._lengths(numbers, counts)
        save_array(folder / layout.LENGTHS.format(shard), lengths)
        return int(lengths.sum())

    def _lengths(self, numbers: NDArray[np.uint32], counts: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Terms per row that are not stop words."""
        is_content = np.ones(len(self.terms), np.uint32)
        is_content[[self.terms[word] for word in STOP_WORDS if word in self.terms]] = 0
        sums = np.zeros(len(numbers) + 1, np.uint32)  # they may pass 2**32: their differences do not
        np.cumsum(is_content[numbers] * counts, out=sums[1:])
        ends = np.cumsum(np.append(np.uint64(0), np.asarray(self.sizes, np.uint64)))
        return np.diff(sums[ends])


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
