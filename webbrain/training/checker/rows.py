"""What the checker reads, as tokens: each text is kept once, and a row names the texts that it is made of.

A claim has a row for each of its sentences, as the scorer asks for them; its label is about all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
CLASSES = ("entailment", "neutral", "contradiction")
ENTAILED, NEUTRAL, CONTRADICTED = 1, 2, 4  # a label is the sum of the classes that it allows
REFUSED = NEUTRAL | CONTRADICTED
MAX_TOKENS = 256
SPECIAL = 3  # [CLS] passage [SEP] claim [SEP]
LEAST_ROOM = 64  # a claim that leaves the passage less is not read: entailment.EntailmentModel.can_read
CLS, SEP = 101, 102


@dataclass(frozen=True, slots=True)
class Rows:
    """Text p is `tokens[first[p]:first[p + 1]]`; row r reads the texts `parts[part_first[r]:part_first[r + 1]]` and the
    sentence `sentence[r]`; claim c has the rows `row_first[c]:row_first[c + 1]`, a label and a set by number."""

    tokens: Array
    first: Array
    parts: Array
    part_first: Array
    sentence: Array
    row_first: Array
    label: Array
    of_set: Array
    sets: Array

    def __len__(self) -> int:
        return len(self.label)

    @property
    def counts(self) -> Array:
        """Rows of each claim."""
        return np.diff(self.row_first)

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **{part.name: getattr(self, part.name) for part in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Rows:
        with np.load(path, allow_pickle=False) as held:
            return cls(**{part.name: held[part.name] for part in fields(cls)})


class Collector:
    """Collects claims; `encode` gives a text's tokens without special ones."""

    def __init__(self, sets: Sequence[str], encode: Any) -> None:
        self.sets, self.encode = list(sets), encode
        self._texts: dict[str, int] = {}
        self._tokens: list[Array] = []
        self._parts: list[Array] = []
        self._sentence: list[int] = []
        self._counts: list[int] = []
        self._label: list[int] = []
        self._set: list[int] = []

    def __len__(self) -> int:
        return len(self._label)

    def add(self, name: str, label: int, rows: Iterable[tuple[Sequence[str], str]]) -> list[bool]:
        """A claim as (the passage's sentences, the claim's sentence) pairs; which of them can be read."""
        read = []
        before = len(self._sentence)
        for passage, sentence in rows:
            claim = self._text(sentence)
            read.append(len(self._tokens[claim]) <= MAX_TOKENS - SPECIAL - LEAST_ROOM)
            if read[-1]:
                self._parts.append(np.array([self._text(part) for part in passage], np.int32))
                self._sentence.append(claim)
        if any(read):
            self._counts.append(len(self._sentence) - before)
            self._label.append(label)
            self._set.append(self.sets.index(name))
        return read

    def _text(self, text: str) -> int:
        if text not in self._texts:
            self._texts[text] = len(self._tokens)
            self._tokens.append(np.array(self.encode(text)[:MAX_TOKENS], np.uint16))
        return self._texts[text]

    def rows(self) -> Rows:
        return Rows(
            tokens=_joined(self._tokens, np.uint16),
            first=_starts([len(text) for text in self._tokens]),
            parts=_joined(self._parts, np.int32),
            part_first=_starts([len(part) for part in self._parts]),
            sentence=np.array(self._sentence, np.int32),
            row_first=_starts(self._counts),
            label=np.array(self._label, np.uint8),
            of_set=np.array(self._set, np.uint8),
            sets=np.array(self.sets),
        )


@dataclass(frozen=True, slots=True)
class Flat:
    """Rows as the model reads them: row r is `ids[first[r]:first[r + 1]]`, its claim begins at token `second[r]`."""

    ids: Array
    first: Array
    second: Array

    @property
    def lengths(self) -> Array:
        return np.diff(self.first)


def flatten(rows: Rows) -> Flat:
    """[CLS] passage [SEP] claim [SEP], the passage cut where both do not fit."""
    texts = np.diff(rows.first)
    claim = texts[rows.sentence]
    owner = np.repeat(np.arange(len(rows.sentence)), np.diff(rows.part_first))
    whole = np.bincount(owner, texts[rows.parts], len(rows.sentence)).astype(np.int64)
    passage = np.minimum(whole, MAX_TOKENS - SPECIAL - claim)
    first = _starts(passage + claim + SPECIAL)
    ids = np.full(first[-1], SEP, np.uint16)
    ids[first[:-1]] = CLS
    before = np.cumsum(texts[rows.parts]) - texts[rows.parts]
    begin = before - np.append(0, np.cumsum(whole))[owner]  # where a part begins within its row's passage
    kept = np.clip(passage[owner] - begin, 0, texts[rows.parts])
    _copy(ids, first[owner] + 1 + begin, rows.tokens, rows.first[rows.parts], kept)
    _copy(ids, first[:-1] + passage + 2, rows.tokens, rows.first[rows.sentence], claim)
    return Flat(ids, first, passage + 2)


def _copy(target: Array, to: Array, source: Array, begin: Array, sizes: Array) -> None:
    """`target[to[i]:to[i] + sizes[i]] = source[begin[i]:begin[i] + sizes[i]]` for all i."""
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    target[np.repeat(to, sizes) + within] = source[np.repeat(begin, sizes) + within]


def batches(rows: Rows, lengths: Array, claims: Array, tokens: int, rng: np.random.Generator | None) -> list[Array]:
    """Claims in batches of about one length, at most `tokens` with padding; mixed by `rng`, in order of length without.

    A claim of several rows counts with its longest.
    """
    longest = np.maximum.reduceat(lengths, rows.row_first[:-1])[claims]
    if rng is not None:
        longest = longest + rng.random(len(claims)) * 8
    order = claims[np.argsort(longest, kind="stable")]
    found: list[list[int]] = [[]]
    width = count = 0
    for claim in order.tolist():
        mine = lengths[rows.row_first[claim] : rows.row_first[claim + 1]]
        width, count = max(width, int(mine.max())), count + len(mine)
        if found[-1] and width * count > tokens:
            found.append([])
            width, count = int(mine.max()), len(mine)
        found[-1].append(claim)
    made = [np.array(one, np.int64) for one in found if one]
    if rng is not None:
        rng.shuffle(made)
    return made


def rows_of(rows: Rows, claims: Array) -> Array:
    """The rows of some claims, claim by claim."""
    counts = rows.counts[claims]
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    found: Array = np.repeat(rows.row_first[claims], counts) + within
    return found


def _joined(parts: Sequence[Array], kind: type[np.generic]) -> Array:
    return np.concatenate([np.zeros(0, kind), *parts]).astype(kind)


def _starts(sizes: Any) -> Array:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
