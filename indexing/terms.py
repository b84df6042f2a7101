"""The terms of some passages, counted together: every term once as a word, everywhere else as a number.

A worker's texts give the same words again and again, so that each is analysed once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import MAX_REMEMBERED, Analyzer, Remembered

from .words import LONGEST, Halves, Words, WordTable

GROUP_BYTES = 4 << 20  # counted at once
MAX_CHUNKS = 100_000  # whose terms are remembered
MAX_CHUNK_BYTES = 64  # longer ones are seldom met again


@dataclass(frozen=True, slots=True)
class TermTable:
    """Row by row the terms of a passage, by their numbers in `vocabulary`, and how often it has each; a row's lie
    between two of the `ends`. The vocabulary is that of all tables of a counter, and grows with them; it does not go
    along to another process (see `Vocabularies`)."""

    vocabulary: list[str]
    numbers: NDArray[np.uint32]
    counts: NDArray[np.uint32]
    ends: list[int]

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __reduce__(self) -> tuple[Callable[..., TermTable], tuple[object, ...]]:
        return _table, (self.numbers.tobytes(), self.counts.tobytes(), self.ends)


@dataclass(frozen=True, slots=True)
class News:
    """The terms that a counter's vocabulary got since it was told of last, when it had `known`."""

    counter: bytes
    known: int
    terms: list[str]


class Vocabularies:
    """The vocabularies of counters that are elsewhere; each tells only what is new, in order."""

    def __init__(self) -> None:
        self._terms: dict[bytes, list[str]] = {}

    def take(self, news: News) -> list[str]:
        """The counter's vocabulary, with what is new."""
        if news.known == 0:
            self._terms[news.counter] = []
        terms = self._terms[news.counter]
        assert len(terms) == news.known, "news of a counter came in another order"
        terms += news.terms
        return terms


def _table(numbers: bytes, counts: bytes, ends: list[int]) -> TermTable:
    return TermTable([], np.frombuffer(numbers, np.uint32), np.frombuffer(counts, np.uint32), ends)


class TermCounter:
    """Takes one passage after another; memory is theirs, the words met before, and some twenty times `GROUP_BYTES`."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self._texts: list[bytes] = []
        self._known = _Known(analyzer)
        self._name = secrets.token_bytes(8)
        self._told = 0

    def add(self, text: bytes) -> None:
        """The next passage, in UTF-8."""
        self._texts.append(text)

    def take(self) -> TermTable:
        """What was added since the last time."""
        self._forget()
        tables = [self._count(texts) for texts in _groups(self._texts)]
        self._texts = []
        return tables[0] if len(tables) == 1 else _joined(self._known.terms, tables)

    def _count(self, texts: list[bytes]) -> TermTable:
        words = Words(texts)
        odd, odd_rows = self._odd(words)
        numbers = np.concatenate([self._plain(words), odd])
        rows = np.concatenate([words.rows(), odd_rows])
        return TermTable(self._known.terms, *_counted(rows, numbers, len(texts), len(self._known.terms)))

    def _forget(self) -> None:
        """Begin anew, where too much is remembered."""
        if len(self._known.odd) > MAX_CHUNKS:
            self._known.odd.clear()
        if max(len(self._known.terms), len(self._known.table) // 2) > MAX_REMEMBERED:
            self._known, self._told = _Known(self.analyzer), 0

    def news(self) -> News:
        """For whoever holds this counter's vocabulary elsewhere: what to add to it before the table taken last."""
        news = News(self._name, self._told, self._known.terms[self._told :])
        self._told = len(self._known.terms)
        return news

    def _plain(self, words: Words) -> NDArray[np.uint64]:
        """The term's number of each word of ASCII letters and digits."""
        halves = words.halves()
        numbers = self._known.table.find(halves)
        unknown = np.flatnonzero((numbers < 0) | (words.ends - words.starts > LONGEST))
        if len(unknown):
            numbers[unknown] = self._meet(words, halves, unknown)
        return numbers.astype(np.uint64)

    def _meet(self, words: Words, halves: Halves, unknown: NDArray[np.int64]) -> list[int]:
        """Numbers of words that the table does not have; what is short enough for it is put there."""
        found = words.at(unknown)
        place_of = dict(zip(found, unknown.tolist(), strict=True))
        numbers = self._known.of_plain(b" ".join(place_of).decode("ascii").split())
        short = [len(word) <= LONGEST for word in place_of]
        places = np.array(list(place_of.values()), np.int64)
        self._known.table.add(halves[places[short]], np.array(numbers, np.int64)[short])
        number_of = dict(zip(place_of, numbers, strict=True))
        return [number_of[word] for word in found]

    def _odd(self, words: Words) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """(term's number, row) for each word of what is left to the analyzer."""
        chunks, rows = words.odd_chunks()
        found = [
            self._known.odd[chunk] if len(chunk) <= MAX_CHUNK_BYTES else self._known.of_chunk(chunk) for chunk in chunks
        ]
        numbers = np.fromiter(chain.from_iterable(found), np.uint64)
        return numbers, np.repeat(rows, [len(one) for one in found])


def _groups(texts: list[bytes]) -> Iterator[list[bytes]]:
    """The texts in parts of about `GROUP_BYTES`, so that a large document does not cost many times its size."""
    group: list[bytes] = []
    size = 0
    for text in texts:
        group.append(text)
        size += len(text)
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    yield group


def _joined(vocabulary: list[str], tables: list[TermTable]) -> TermTable:
    """The rows of several tables of one vocabulary."""
    numbers, counts = (
        np.concatenate(column) for column in zip(*((one.numbers, one.counts) for one in tables), strict=True)
    )
    begins = accumulate((one.ends[-1] for one in tables), initial=0)
    ends = [begin + end for begin, one in zip(begins, tables, strict=False) for end in one.ends[1:]]
    return TermTable(vocabulary, numbers, counts, [0, *ends])


def _counted(
    rows: NDArray[np.uint64], numbers: NDArray[np.uint64], size: int, terms: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], list[int]]:
    """(terms, counts, ends) by row out of the (row, term) of every word, for so many rows and terms."""
    bits = np.uint64(terms.bit_length())
    # A row and a term as one integer; half as wide where that is enough, they are sorted in half the time.
    width = np.uint32 if (size + 1) << terms.bit_length() < 1 << 32 else np.uint64
    pairs, counts = np.unique((rows << bits | numbers).astype(width), return_counts=True)
    ends = np.searchsorted(pairs, (np.arange(size + 1, dtype=np.uint64) << bits).astype(width))
    term = pairs & width((1 << terms.bit_length()) - 1)
    return term.astype(np.uint32), counts.astype(np.uint32), ends.tolist()


class Numbering(dict[str, int]):
    """Terms by number, in the order of their first use."""

    def __init__(self) -> None:
        self.terms: list[str] = []

    def __missing__(self, term: str) -> int:
        number = self[term] = len(self.terms)
        self.terms.append(term)
        return number


class _Known:
    """The words, and the chunks with more in them, of which the terms' numbers are known."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.numbering = Numbering()
        self.terms = self.numbering.terms
        self.table = WordTable()
        self.odd = Remembered(self.of_chunk)

    def of_chunk(self, chunk: bytes) -> list[int]:
        terms = self.analyzer.terms(chunk.decode("utf-8", "surrogatepass"))
        return list(map(self.numbering.__getitem__, terms))

    def of_plain(self, words: list[str]) -> list[int]:
        return list(map(self.numbering.__getitem__, self.analyzer.plain_terms(words)))
