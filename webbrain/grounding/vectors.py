"""Word vectors without a network: each word piece was sent through MiniLM alone, once, and what came out is a table.

Measured against the same features on layers 2 and 6 of MiniLM in context, on 400 pairs of each of four sets: equal on
three, 2 AUC points behind on one, and a hundred times quicker (docs/model-cards/support.md has the numbers).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.words import Words
from webbrain.protocols import Vectors

MAX_PIECES = 12
CACHED_WORDS = 200_000


@dataclass(slots=True)
class WordVectors:
    """A vocabulary of word pieces and a row of `scales * codes` for each; words are cut greedily, as WordPiece does."""

    pieces: dict[str, int]
    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    _known: dict[str, NDArray[np.float32]] = field(init=False, repr=False, default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> WordVectors:
        with np.load(path, allow_pickle=False) as held:
            vocabulary = bytes(held["pieces"]).decode("utf-8").split("\n")
            return cls({piece: row for row, piece in enumerate(vocabulary)}, held["codes"], held["scales"])

    @property
    def dim(self) -> int:
        return int(self.codes.shape[1])

    def __call__(self, text: str, words: Words) -> Vectors:
        """Unit rows of shape (len(words), dim); a word without a known piece has a row of zeros."""
        if not len(words):
            return np.zeros((0, self.dim), np.float32)
        rows = [self.word(text[start:end].lower()) for start, end in zip(words.starts, words.ends, strict=True)]
        return np.stack(rows)

    def word(self, word: str) -> NDArray[np.float32]:
        """Unit vector of a lower-cased word: the mean of its pieces."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= CACHED_WORDS:
                self._known.clear()
            known = self._known[word] = self._make(word)
        return known

    def _make(self, word: str) -> NDArray[np.float32]:
        rows = [row for part in _plain(word).split() for row in self._cut(part)][:MAX_PIECES]
        if not rows:
            return np.zeros(self.dim, np.float32)
        vector = (self.codes[rows] * self.scales[rows][:, None]).mean(axis=0)
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)

    def _cut(self, word: str) -> list[int]:
        """Rows of the longest known pieces from the left; none for a word with an unknown piece."""
        found, start = [], 0
        while start < len(word):
            end = len(word)
            while end > start:
                row = self.pieces.get(word[start:end] if start == 0 else "##" + word[start:end])
                if row is not None:
                    break
                end -= 1
            if end == start:
                return []
            found.append(row)
            start = end
        return [row for row in found if row is not None]


def _plain(word: str) -> str:
    """Without accents, as the vocabulary is."""
    return "".join(char for char in unicodedata.normalize("NFD", word) if unicodedata.category(char) != "Mn")
