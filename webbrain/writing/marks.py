"""Reference marks in running text: `[1]`, `[1, 2]`, `[1][2]`, `[1-3]`, `[0]`, before or after the full stop."""

from __future__ import annotations

import re

from webbrain.grounding.sentences import split_sentences
from webbrain.types import Sentence

NO_REFERENCE = 0  # `[0]` says that a sentence needs none (WebBrain paper, section 3)
MAX_RANGE = 20  # `[3-5]` names three references; `[1-999]` names nothing that anyone meant

MARK = re.compile(r"\[\s*\d{1,3}(?:\s*[,;–—-]\s*\d{1,3})*\s*\]")
_PART = re.compile(r"(\d+)(?:\s*[–—-]\s*(\d+))?")


def read_mark(mark: str) -> list[int]:
    """The markers that one mark names, in order: "[1, 3-5]" -> [1, 3, 4, 5]."""
    markers: list[int] = []
    for part in _PART.finditer(mark):
        first, last = int(part[1]), int(part[2] or part[1])
        whole = 0 <= last - first < MAX_RANGE
        markers.extend(range(first, last + 1) if whole else (first, last))
    return markers


def read_marked_text(text: str) -> list[Sentence]:
    """Sentences of a text without their marks, each with the markers that stand in it or right after its full stop.

    A sentence in which no mark stands has no citations; `[0]` is kept as the marker 0.
    """
    plain, marks = _lift_marks(text)
    spans = split_sentences(plain)
    citations: list[list[int]] = [[] for _ in spans]
    for place, markers in marks:
        owner = _owner([span.start for span in spans], place)
        if owner is not None:
            citations[owner].extend(markers)
    return [
        Sentence(plain[span.start : span.end], tuple(dict.fromkeys(found)))
        for span, found in zip(spans, citations, strict=True)
    ]


def _lift_marks(text: str) -> tuple[str, list[tuple[int, list[int]]]]:
    """The text without marks, and for each mark the place of the character it follows (-1: none) and its markers."""
    plain = ""
    marks: list[tuple[int, list[int]]] = []
    end = 0
    for match in MARK.finditer(text):
        plain = _join(plain, text[end : match.start()])
        begins_line = not plain or plain.endswith("\n")
        marks.append((len(plain) if begins_line else len(plain.rstrip()) - 1, read_mark(match[0])))
        end = match.end()
    return _join(plain, text[end:]), marks


def _join(before: str, after: str) -> str:
    """Text on both sides of a mark: no space is left before punctuation, one stands where words would touch."""
    if before and re.match(r"\s*[.,;:!?]", after):
        return before.rstrip() + after.lstrip()
    if before and after[:1].isalnum() and not before[-1].isspace():
        return f"{before} {after}"
    if before[-1:].isspace() and after[:1] == " ":
        return before + after[1:]
    return before + after


def _owner(starts: list[int], place: int) -> int | None:
    """The last sentence that begins at or before `place`; the first one for a mark that stands before all."""
    if not starts:
        return None
    return max((at for at, start in enumerate(starts) if start <= place), default=0)
