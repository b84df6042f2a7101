"""The inverted index of a shard out of those of others: rows are renumbered, nothing is analysed again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.store import layout
from webbrain.store.arrays import open_array

from .files import save_array
from .postings import write_terms
from .terms import TermTable

Source = tuple[int, NDArray[np.int64]]  # an old shard and its rows, ascending


class MergedPostings:
    """Implements `indexing.shard.Postings` for passages that come from the shards of a build, in their order.

    Memory is some twenty bytes a posting of the old shards.
    """

    def __init__(self, build: Path, sources: Sequence[Source]) -> None:
        self.build, self.sources = build, sources

    def take(self, table: TermTable, first: int, last: int) -> None:
        """The passages' postings are there already."""

    def write(self, folder: Path, shard: int) -> int:
        """Write the `bm25` files of the new shard; returns its number of tokens (stop words left out)."""
        vocabularies = [self._terms(source) for source, _ in self.sources]
        union = sorted(set().union(*vocabularies))
        numbers = {term: number for number, term in enumerate(union)}
        terms, rows, counts = self._postings(vocabularies, numbers)
        order = np.argsort(terms, kind="stable")  # within a term the rows ascend already
        sizes = np.bincount(terms, minlength=len(union))
        held = np.flatnonzero(sizes)  # other terms went with the rows that had them
        write_terms(folder, shard, [union[number] for number in held.tolist()])
        save_array(
            folder / layout.POSTING_OFFSETS.format(shard),
            np.concatenate([[0], np.cumsum(sizes[held])]).astype(np.uint64),
        )
        save_array(folder / layout.POSTING_ROWS.format(shard), rows[order].astype(np.uint32))
        save_array(folder / layout.POSTING_COUNTS.format(shard), counts[order].astype(np.uint16))
        lengths = self._lengths()
        save_array(folder / layout.LENGTHS.format(shard), lengths)
        return int(lengths.sum())

    def _terms(self, shard: int) -> list[bytes]:
        text = (self.build / layout.TERMS.format(shard)).read_bytes()
        ends = open_array(self.build / layout.TERM_OFFSETS.format(shard), "<u8").tolist()
        return [text[begin:end] for begin, end in pairwise(ends)]

    def _postings(
        self, vocabularies: Sequence[list[bytes]], numbers: dict[bytes, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(term, row, count) of every posting of the new shard, shard by shard as they lie."""
        parts = []
        begin = 0
        for (shard, rows), vocabulary in zip(self.sources, vocabularies, strict=True):
            renumbered = np.array([numbers[term] for term in vocabulary], np.int64)
            ends = open_array(self.build / layout.POSTING_OFFSETS.format(shard), "<u8").astype(np.int64)
            terms = np.repeat(renumbered, ends[1:] - ends[:-1])
            place = np.full(len(open_array(self.build / layout.LENGTHS.format(shard), "<u4")), -1, np.int64)
            place[rows] = begin + np.arange(len(rows))
            found = place[open_array(self.build / layout.POSTING_ROWS.format(shard), "<u4")]
            counts = open_array(self.build / layout.POSTING_COUNTS.format(shard), "<u2").astype(np.int64)
            parts.append((terms[found >= 0], found[found >= 0], counts[found >= 0]))
            begin += len(rows)
        terms, places, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
        return terms, places, counts

    def _lengths(self) -> NDArray[np.uint32]:
        parts = [open_array(self.build / layout.LENGTHS.format(shard), "<u4")[rows] for shard, rows in self.sources]
        return np.concatenate(parts).astype(np.uint32)
