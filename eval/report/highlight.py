"""Which words of a passage decide: those a sentence shares with it, and the span the scorer names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from webbrain.analysis import Analyzer, is_stop

WINDOW = 2400  # characters of a long passage that are shown, around what decides
_WORD = re.compile(r"[^\W_]+(?:[.,'’-][^\W_]+)*")
# Characters that would reorder or hide the text around them.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: `shared` words stand in the sentence too; `deciding` text is the scorer's evidence span."""

    text: str
    shared: bool = False
    deciding: bool = False


def visible(text: str) -> str:
    """The text without characters that would reorder or hide what stands around it."""
    return _INVISIBLE.sub("", text)


def pieces(passage: str, sentence: str, evidence: str = "") -> list[Piece]:
    """The passage in pieces that together are its visible text; of a long one the part around what decides."""
    text = visible(passage)
    begin, end = _find(text, evidence)
    wanted = _terms(visible(sentence))
    marks = [match.span() for match in _WORD.finditer(text) if _terms(match[0]) & wanted]
    low, high = _window(len(text), begin if end else (marks[0][0] if marks else 0))
    found = list(_cut(text, low, high, marks, (begin, end)))
    return [*([Piece("… ")] if low else []), *found, *([Piece(" …")] if high < len(text) else [])]


def _cut(text: str, low: int, high: int, marks: list[tuple[int, int]], span: tuple[int, int]) -> Iterator[Piece]:
    ends = dict(marks)
    edges = sorted({low, high, *span, *(edge for mark in marks for edge in mark)})
    shared_until = -1
    for start, end in pairwise(edge for edge in edges if low <= edge <= high):
        shared_until = ends.get(start, shared_until)
        yield Piece(text[start:end], start < shared_until, span[0] <= start < span[1])


def _find(text: str, evidence: str) -> tuple[int, int]:
    """Where the evidence span stands, white space and case aside; (0, 0) when it does not."""
    words = visible(evidence).split()
    if not words:
        return 0, 0
    match = re.search(r"\s+".join(map(re.escape, words)), text, re.IGNORECASE)
    return match.span() if match else (0, 0)


def _window(size: int, centre: int) -> tuple[int, int]:
    if size <= WINDOW:
        return 0, size
    low = max(0, min(centre - WINDOW // 3, size - WINDOW))
    return low, low + WINDOW


@lru_cache(maxsize=50_000)
def _terms(text: str) -> frozenset[str]:
    return frozenset(term for term in _analyzer().terms(text) if not is_stop(term))


@lru_cache(maxsize=1)
def _analyzer() -> Analyzer:
    return Analyzer()
