"""Answers as SQuAD compares them, and the spans of a sentence that questions can ask for: names, numbers and dates."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from webbrain.grounding.facts import names

from .dates import date_spans

Kind = Literal["name", "number", "date"]
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_NAME_LINK = re.compile(r"\s+(?:(?:of|the|de|la|van|von|der)\s+){0,2}")
_NAME_NUMBER = re.compile(r"\s+\d+\b(?![.,]\d)")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a sentence, and what they are."""

    start: int
    end: int
    kind: Kind


def answer_spans(sentence: str) -> list[Span]:
    """Dates, names (with a number that follows: Apollo 11) and numbers, in order and without overlap."""
    found = [Span(start, end, "date") for start, end, _ in date_spans(sentence)]
    for start, end in _name_runs(sentence):
        start += _function_words(sentence[start:end])
        if start < end:
            _add(found, Span(start, end, "name"))
    for match in _NUMBER.finditer(sentence):
        _add(found, Span(*match.span(), "number"))
    return sorted(found, key=lambda span: span.start)


def token_f1(one: str, other: str) -> float:
    """F1 of the words of two answers, as in the SQuAD evaluation: 1 when both are empty, 0 when one is."""
    ours, theirs = answer_words(one), answer_words(other)
    if not ours or not theirs:
        return float(ours == theirs)
    common = (Counter(ours) & Counter(theirs)).total()
    return 2 * common / (len(ours) + len(theirs))


def answer_words(text: str) -> list[str]:
    """Lower-cased words without ASCII punctuation and without "a", "an", "the" (Rajpurkar et al., 2016)."""
    bare = re.sub(r"[!-/:-@\[-`{-~]", "", text.lower())
    return re.sub(r"\b(?:a|an|the)\b", " ", bare).split()


def _add(found: list[Span], span: Span) -> None:
    if all(span.end <= other.start or other.end <= span.start for other in found):
        found.append(span)


def _name_runs(sentence: str) -> list[tuple[int, int]]:
    """Runs of capitalised words and what links them, with a number that follows: "Museum of the Moon", "Apollo 11"."""
    runs: list[tuple[int, int]] = []
    for match in _WORD.finditer(sentence):
        if not match.group()[0].isupper():
            continue
        number = _NAME_NUMBER.match(sentence, match.end())
        end = number.end() if number else match.end()
        if runs and _NAME_LINK.fullmatch(sentence, runs[-1][1], match.start()):
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((match.start(), end))
    return runs


def _function_words(name: str) -> int:
    """Characters of the words that a run of capitalised words begins with and that are nobody's name: "The", "In"."""
    at = 0
    for word in re.finditer(r"\S+\s*", name):
        if names(word.group()):
            break
        at = word.end()
    return at
