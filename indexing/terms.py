"""The terms of some passages, counted together: every term once as a word, everywhere else as a number."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import MAX_REMEMBERED, Analyzer


@dataclass(frozen=True, slots=True)
class TermTable:
    """Row by row the terms of a passage, by their numbers in `vocabulary`, and how often it has each; a row's lie
    between two of the `ends`."""

    vocabulary: list[str]
    numbers: NDArray[np.uint32]
    counts: NDArray[np.uint32]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __reduce__(self) -> tuple[Callable[..., TermTable], tuple[object, ...]]:
        """For the way between processes: one string is quicker than many. A term may hold a space (U+037A without its
        accent is one) but no line feed."""
        return _table, ("\n".join(self.vocabulary), self.numbers.tobytes(), self.counts.tobytes(), self.ends)


Counted = tuple[TermTable, int]  # a document's passages: the first one's row, where the others follow


def _table(vocabulary: str, numbers: bytes, counts: bytes, ends: list[int]) -> TermTable:
    terms = vocabulary.split("\n") if vocabulary else []
    return TermTable(terms, np.frombuffer(numbers, np.uint32), np.frombuffer(counts, np.uint32), ends)


class TermCounter:
    """Takes one passage after another; memory is four bytes a word, and the words that it has met."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.numbers = array("I")
        self.sizes: list[int] = []
        self._known = _WordNumbers(analyzer)

    def __len__(self) -> int:
        return len(self.sizes)

    def add(self, text: str) -> None:
        words = self.analyzer.words(text)
        self.numbers.extend(list(map(self._known.__getitem__, words)))
        self.sizes.append(len(words))

    def take(self) -> TermTable:
        """What was added since the last time."""
        rows = np.repeat(np.arange(len(self.sizes), dtype=np.uint64), self.sizes) << np.uint64(32)
        pairs, counts = np.unique(rows | np.asarray(self.numbers, np.uint32), return_counts=True)
        ends = np.searchsorted(pairs, np.arange(len(self.sizes) + 1, dtype=np.uint64) << np.uint64(32))
        vocabulary, numbers = self._known.only(pairs.astype(np.uint32))
        self.numbers, self.sizes = array("I"), []
        if len(self._known) > MAX_REMEMBERED:
            self._known = _WordNumbers(self.analyzer)
        return TermTable(vocabulary, numbers, counts.astype(np.uint32), ends.tolist())


class _WordNumbers(dict[str, int]):
    """Words by the numbers of their terms, which are in the order of their first use."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.terms: list[str] = []
        self._by_term: dict[str, int] = {}

    def __missing__(self, word: str) -> int:
        term = self.analyzer.term(word)
        number = self[word] = self._by_term.setdefault(term, len(self.terms))
        if number == len(self.terms):
            self.terms.append(term)
        return number

    def only(self, numbers: NDArray[np.uint32]) -> tuple[list[str], NDArray[np.uint32]]:
        """The terms that are among the numbers, and the numbers as places in that list."""
        held = np.zeros(len(self.terms), bool)
        held[numbers] = True
        used = np.flatnonzero(held)
        places = np.empty(len(self.terms), np.uint32)
        places[used] = np.arange(len(used))
        return [self.terms[number] for number in used.tolist()], places[numbers]
