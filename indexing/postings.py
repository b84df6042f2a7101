"""The inverted index of one shard, made in memory and written as sorted, memory-mappable arrays."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import Analyzer, is_stop
from webbrain.store import layout

from .files import save_array, sync_file

MAX_COUNT = 65_535  # a term's count in one passage is held in 16 bits


class _Numbers(dict[str, int]):
    """Terms numbered in the order of their first use."""

    def __missing__(self, term: str) -> int:
        number = self[term] = len(self)
        return number


class PostingsWriter:
    """Takes one passage after another; memory is four bytes a word of the shard."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.numbers = _Numbers()
        self.words = array("I")
        self.sizes = array("I")

    def add(self, text: str) -> None:
        self.add_terms(self.analyzer.terms(text))

    def add_terms(self, terms: list[str]) -> None:
        """A passage that is analysed already."""
        self.words.extend(list(map(self.numbers.__getitem__, terms)))
        self.sizes.append(len(terms))

    def write(self, folder: Path, shard: int) -> int:
        """Write the shard's `bm25` files; returns its number of tokens (stop words left out)."""
        terms = [term.encode() for term in self.numbers]
        by_bytes = sorted(range(len(terms)), key=terms.__getitem__)
        write_terms(folder, shard, [terms[number] for number in by_bytes])
        rank = np.empty(len(terms), np.uint64)
        rank[by_bytes] = np.arange(len(terms), dtype=np.uint64)
        words = np.asarray(self.words, np.uint32)
        rows = np.repeat(np.arange(len(self.sizes), dtype=np.uint64), np.asarray(self.sizes, np.int64))
        pairs, counts = np.unique((rank[words] << np.uint64(32)) | rows, return_counts=True)
        first = np.searchsorted(pairs >> np.uint64(32), np.arange(len(terms) + 1, dtype=np.uint64))
        save_array(folder / layout.POSTING_OFFSETS.format(shard), first.astype(np.uint64))
        save_array(folder / layout.POSTING_ROWS.format(shard), (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32))
        save_array(folder / layout.POSTING_COUNTS.format(shard), np.minimum(counts, MAX_COUNT).astype(np.uint16))
        lengths = self._lengths(words, rows)
        save_array(folder / layout.LENGTHS.format(shard), lengths)
        return int(lengths.sum())

    def _lengths(self, words: NDArray[np.uint32], rows: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """Terms per row that are not stop words."""
        content = np.array([not is_stop(term) for term in self.numbers], bool)
        kept = rows[content[words]] if len(words) else rows
        return np.bincount(kept.astype(np.int64), minlength=len(self.sizes)).astype(np.uint32)


def write_terms(folder: Path, shard: int, terms: list[bytes]) -> None:
    """The vocabulary of a shard, sorted."""
    path = folder / layout.TERMS.format(shard)
    path.write_bytes(b"".join(terms))
    sync_file(path)
    ends = np.cumsum([0, *map(len, terms)], dtype=np.uint64)
    save_array(folder / layout.TERM_OFFSETS.format(shard), ends)
