"""Which passages support a target, and which of them each sentence cites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .recall import Terms, Window, term_recall
from .settings import DatasetSettings

NO_REFERENCE = 0  # the mark `[0]`: the sentence needs, or has, no reference


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that may support; `source` says how it was found, `number` which of the page's references it is of,
    `passage_id` what WebBrain-R calls it."""

    passage_id: str
    doc_id: str
    title: str
    window: Window
    source: str
    number: int = 0


def span_id(doc_id: str, span: tuple[int, int]) -> str:
    """The id of a supporting passage: its document and its characters there."""
    return f"{doc_id}@{span[0]}-{span[1]}"


def window_candidate(doc_id: str, title: str, window: Window, source: str, number: int = 0) -> Candidate:
    """A window of a document as a candidate, with an id of its own."""
    return Candidate(span_id(doc_id, (window.start, window.end)), doc_id, title, window, source, number)


@dataclass(frozen=True, slots=True)
class Cited:
    """What one sentence cites: places in the chosen passages, best first, and P_ST for the best one (0.0: none)."""

    places: tuple[int, ...]
    recall: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sentence's terms and the reference numbers that the page itself gives it."""

    terms: Terms
    marks: tuple[int, ...] = ()


def choose(
    sentences: Sequence[Wanted], candidates: Sequence[Candidate], settings: DatasetSettings
) -> tuple[list[Candidate], list[Cited]]:
    """At most `settings.references` supporting passages, and what each sentence cites of them.

    Per sentence the passage with the highest P_ST supports it, if P_ST > rho (paper, section 3). A page's own mark is
    kept when its reference passes; a sentence without a mark that holds gets the best of all, or none. Of passages that
    overlap, and of more than fit, those stay that support most.
    """
    table = [[term_recall(sentence.terms, each.window.terms) for each in candidates] for sentence in sentences]
    gains = [0.0] * len(candidates)
    for sentence, recalls in zip(sentences, table, strict=True):
        for place in _best(sentence, recalls, candidates, range(len(candidates)), settings.rho):
            gains[place] += recalls[place]
    kept = _without_overlap(gains, candidates, settings)
    cited = [_cite(one, recalls, candidates, kept, settings) for one, recalls in zip(sentences, table, strict=True)]
    return [candidates[place] for place in kept], cited


def cite(sentences: Sequence[Wanted], candidates: Sequence[Candidate], settings: DatasetSettings) -> list[Cited]:
    """What each sentence cites where the passages are given, by the same rule."""
    places = range(len(candidates))
    return [
        _cite(one, [term_recall(one.terms, each.window.terms) for each in candidates], candidates, places, settings)
        for one in sentences
    ]


def _cite(
    sentence: Wanted,
    recalls: Sequence[float],
    candidates: Sequence[Candidate],
    kept: Sequence[int],
    settings: DatasetSettings,
) -> Cited:
    best = _best(sentence, recalls, candidates, kept, settings.rho)
    return Cited(tuple(kept.index(place) for place in best), max((recalls[place] for place in best), default=0.0))


def _best(
    sentence: Wanted, recalls: Sequence[float], candidates: Sequence[Candidate], places: Sequence[int], rho: float
) -> list[int]:
    """Places of the passages to cite, best first: one for each mark of the sentence that holds, else one, or none."""
    passing = [place for place in places if recalls[place] > rho]
    by_mark = [
        max(own, key=lambda place: (recalls[place], -place))
        for mark in sentence.marks
        if (own := [place for place in passing if candidates[place].number == mark])
    ]
    if by_mark:
        return sorted(by_mark, key=lambda place: (-recalls[place], place))
    return [max(passing, key=lambda place: (recalls[place], -place))] if passing else []


def _without_overlap(gains: Sequence[float], candidates: Sequence[Candidate], settings: DatasetSettings) -> list[int]:
    """Places of the passages that support most and do not repeat each other, in candidate order."""
    kept: list[int] = []
    for place in sorted((place for place, gain in enumerate(gains) if gain), key=lambda place: (-gains[place], place)):
        repeats = any(overlap(candidates[place], candidates[other]) > settings.overlap for other in kept)
        if not repeats and len(kept) < settings.references:
            kept.append(place)
    return sorted(kept)


def overlap(one: Candidate, other: Candidate) -> float:
    """The share of the shorter passage that both hold, in [0, 1]; 0.0 for passages of two documents."""
    if one.doc_id != other.doc_id:
        return 0.0
    shared = min(one.window.end, other.window.end) - max(one.window.start, other.window.start)
    shorter = min(one.window.end - one.window.start, other.window.end - other.window.start)
    return max(0, shared) / shorter if shorter else 0.0
