"""The words of many texts at once, as arrays, by the rules of `webbrain.analysis`.

Of ASCII letters and digits between other characters nothing else is to be known. What lies between two spaces and
holds anything more, an apostrophe or a letter of another script, is left to those rules as it is.
"""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

HALF = 8  # letters that fit into one integer; a word of up to two halves is two of them
LONGEST = 2 * HALF
Halves = NDArray[np.uint64]  # of shape (words, 2), lower case, zeros behind
_OTHER, _SPACE, _ALNUM, _ODD = range(4)
_PAD = b"\n" + bytes(LONGEST)  # so that whole integers can be read at the last word, too


def _kind(byte: int) -> int:
    char = chr(byte)
    if byte > 127 or char == "'":
        return _ODD
    return _SPACE if char.isspace() else _ALNUM if char.isalnum() else _OTHER


_KINDS = bytes(map(_kind, range(256)))
_MASKS = np.array([(1 << 8 * min(size, HALF)) - 1 for size in range(LONGEST + 1)], np.uint64)


class Words:
    """Where the words of some UTF-8 texts lie: `starts` and `ends` of those of ASCII letters and digits alone."""

    def __init__(self, texts: list[bytes]) -> None:
        self._raw = b"\n" + b"\n".join(texts) + _PAD
        self._lower = self._raw.lower()
        self._begins = np.cumsum([1, *(len(text) + 1 for text in texts)])
        kinds = np.frombuffer(self._raw.translate(_KINDS), np.uint8)
        spaces, is_odd, is_word = (np.flatnonzero(kinds == _SPACE), kinds == _ODD, kinds == _ALNUM)
        before = np.unique(np.searchsorted(spaces, np.flatnonzero(is_odd[1:] & ~is_odd[:-1]) + 1)) - 1
        self._odd_starts, self._odd_ends = spaces[before] + 1, spaces[before + 1]
        edges = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
        plain = ~_inside(edges[0::2], self._odd_starts, self._odd_ends)
        self.starts, self.ends = edges[0::2][plain], edges[1::2][plain]

    def rows(self) -> NDArray[np.uint64]:
        """The text that each word is of."""
        before = np.searchsorted(self.starts, self._begins)
        return np.repeat(np.arange(len(self._begins) - 1, dtype=np.uint64), np.diff(before))

    def halves(self) -> Halves:
        """The words as integers; of a longer one than `LONGEST` its beginning."""
        sizes = np.minimum(self.ends - self.starts, LONGEST)
        every = np.ndarray(len(self._lower) - HALF + 1, "<u8", self._lower, strides=(1,))
        halves = np.zeros((len(sizes), 2), np.uint64)
        np.bitwise_and(every[self.starts], _MASKS[sizes], out=halves[:, 0])
        long = np.flatnonzero(sizes > HALF)
        halves[long, 1] = every[self.starts[long] + HALF] & _MASKS[sizes[long] - HALF]
        return halves

    def at(self, places: NDArray[np.int64]) -> list[bytes]:
        """Some of the words, in lower case."""
        bounds = zip(self.starts[places].tolist(), self.ends[places].tolist(), strict=True)
        return [self._lower[start:end] for start, end in bounds]

    def odd_chunks(self) -> tuple[list[bytes], NDArray[np.uint64]]:
        """What lies between spaces and is more than such words, as it is, and the text that each is of."""
        places = zip(self._odd_starts.tolist(), self._odd_ends.tolist(), strict=True)
        rows = np.searchsorted(self._begins, self._odd_starts, side="right") - 1
        return [self._raw[start:end] for start, end in places], rows.astype(np.uint64)


def _inside(places: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the places, ascending as all are, lie between a start and its end."""
    entered, left = (np.bincount(np.searchsorted(places, at), minlength=len(places) + 1) for at in (starts, ends))
    return np.cumsum(entered - left)[:-1] > 0


class WordTable:
    """Numbers by word for words of up to `LONGEST` letters: a hash table that is asked for many at a time.

    Open addressing with linear probing, never more than half full; the hash is of a family drawn anew in each process
    (multiply-shift, Dietzfelbinger et al. 1997), so that no corpus can be made to fill one place.
    """

    def __init__(self, bits: int = 12) -> None:
        self._bits, self._held = bits, 0
        self._rows = np.zeros((1 << bits, 3), np.uint64)  # the halves, and the number plus one; zero where free
        self._factors = tuple(np.uint64(secrets.randbits(64) | 1) for _ in range(2))

    def __len__(self) -> int:
        return self._held

    def find(self, words: Halves) -> NDArray[np.int64]:
        """The number of each, -1 where there is none."""
        slots = self._slots(words)
        rows = np.take(self._rows, slots, axis=0)  # quicker than an index in brackets
        wrong = np.flatnonzero(_is_other(rows, words))
        while len(wrong):
            slots[wrong] = (slots[wrong] + 1) & (len(self._rows) - 1)
            rows[wrong] = self._rows[slots[wrong]]
            wrong = wrong[_is_other(rows[wrong], words[wrong])]
        return rows[:, 2].astype(np.int64) - 1

    def add(self, words: Halves, numbers: NDArray[np.int64]) -> None:
        """Words that are not there yet, each once."""
        self._held += len(words)
        if 2 * self._held > len(self._rows):
            old = self._rows[self._rows[:, 2] > 0]
            self._bits = max(self._bits + 1, (4 * self._held).bit_length())
            self._rows = np.zeros((1 << self._bits, 3), np.uint64)
            self._put(old)
        self._put(np.column_stack([words, (numbers + 1).astype(np.uint64)]))

    def _put(self, rows: NDArray[np.uint64]) -> None:
        slots = self._slots(rows)
        while len(rows):
            free = self._rows[slots, 2] == 0
            self._rows[slots[free]] = rows[free]  # of several for one place, one stays
            rest = _is_other(self._rows[slots], rows)
            rows, slots = rows[rest], (slots[rest] + 1) & (len(self._rows) - 1)

    def _slots(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        hashes = words[:, 0] * self._factors[0] + words[:, 1] * self._factors[1]
        return (hashes >> np.uint64(64 - self._bits)).astype(np.int64)


def _is_other(rows: NDArray[np.uint64], words: Halves) -> NDArray[np.bool_]:
    """Where a row of the table is neither free nor the word's."""
    other: NDArray[np.bool_] = (rows[:, 2] > 0) & ((rows[:, 0] != words[:, 0]) | (rows[:, 1] != words[:, 1]))
    return other
