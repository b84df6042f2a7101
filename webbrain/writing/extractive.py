"""The extractive writer: sentences of the evidence, word for word, that together make a lead section.

What the thing is comes first, then its main facts. Sentences are chosen greedily by their features against what is
already said (maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998). One that begins with a pronoun is
chosen only behind the sentence it leans on, and stays there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from webbrain.protocols import Encoder
from webbrain.types import Passage, Sentence
from webbrain.writing.candidates import Candidate, CandidateFinder
from webbrain.writing.quality import leans_on_subject

_QUESTION = re.compile(r"(who|whom|whose|what|when|where|which|why|how)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(1[0-9]{3}|20[0-9]{2})\b")
WEIGHTS: Mapping[str, float] = {
    "query": 0.8,
    "agreement": 0.7,
    "bm25": 0.4,
    "definition": 0.5,
    "finished": 0.4,
    "rank": 0.4,
    "place": 0.5,
    "title": 0.3,
    "corroboration": 0.3,
    "leaning": -0.2,
    "namesake": -0.3,
    "of_the_day": -0.2,
    "disputed": -1.0,
}
_NEVER = float("-inf")
_NEAR = 0.2  # cosine to the query under which a sentence has to share words with it ...
_TOUCHING = 0.05  # ... to more than this share of the best sentence's BM25
_LEADERS = 3  # sentences that one may stand behind and still open an article with them
_DEFINES = 0.5  # a sentence with more of the feature says what the subject is


@dataclass(frozen=True, slots=True)
class ExtractiveSettings:
    """Weights of the features of `webbrain.writing.candidates`, set by hand (see docs/decisions.md); lengths
    in words; what a repeat costs: `redundancy` per cosine over 0.3, `redefinition` for a second definition."""

    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    words: int = 75
    min_sentences: int = 4
    max_sentences: int = 8
    redundancy: float = 0.7
    redefinition: float = 1.0
    max_overlap: float = 0.6
    max_cosine: float = 0.88


class ExtractiveWriter:
    """Implements `webbrain.protocols.Writer`; without an encoder it compares sentences by their terms."""

    name = "extractive"

    def __init__(self, encoder: Encoder | None = None, settings: ExtractiveSettings | None = None) -> None:
        self.finder = CandidateFinder(encoder)
        self.settings = settings or ExtractiveSettings()

    def write(self, query: str, evidence: Sequence[Passage]) -> list[Sentence]:
        """Sentences of the evidence, tidied of reference marks only, each citing the passage it stands in."""
        candidates = self.finder.find(query, evidence)
        if self.finder.encoder is not None:  # by terms alone what is near cannot be told from what is not
            candidates = [item for item in candidates if _is_near(item)] or candidates
        chosen = self.choose(candidates, answer=_QUESTION.match(query.strip()) is not None)
        return [Sentence(item.text, (item.marker,)) for item in in_reading_order(chosen)]

    def choose(self, candidates: Sequence[Candidate], *, answer: bool = False) -> list[Candidate]:
        """Greedy choice until the article is long enough; the opening sentence says what the subject is if one does.

        With `answer` the best sentence of all is chosen first, with those that it leans on.
        """
        scores = {(item.marker, item.place): self._score(item) for item in candidates}
        pool = sorted(candidates, key=lambda item: (-scores[_key(item)], item.marker, item.place))
        chosen = _with_leaders(pool[0], candidates) if answer and pool else []
        pool = [item for item in pool if _key(item) not in map(_key, chosen)]
        while pool and not self._is_long_enough(chosen):
            gains = [self._gain(item, scores[_key(item)], chosen) for item in pool]
            best = max(gains)
            if best == _NEVER:
                break
            item = pool.pop(gains.index(best))
            if len(chosen) < self.settings.min_sentences or self._fits(item, chosen):
                chosen.append(item)
        return chosen

    def _score(self, item: Candidate) -> float:
        return float(sum(weight * getattr(item.features, name) for name, weight in self.settings.weights.items()))

    def _gain(self, item: Candidate, score: float, chosen: Sequence[Candidate]) -> float:
        """Score less what is already said; minus infinity for a repeat, or where the sentence before is missing."""
        if item.follows and (item.marker, item.place - 1) not in map(_key, chosen):
            return _NEVER
        if not chosen:
            return score
        cosine = max(float(item.vector @ other.vector) for other in chosen)
        overlap = max(_overlap(item.terms, other.terms) for other in chosen)
        if cosine > self.settings.max_cosine or overlap > self.settings.max_overlap:
            return _NEVER
        defined = max(other.features.definition for other in chosen)
        repeat = self.settings.redefinition * (min(defined, item.features.definition) > _DEFINES)
        return score - self.settings.redundancy * max(0.0, cosine - 0.3) - repeat

    def _is_long_enough(self, chosen: Sequence[Candidate]) -> bool:
        words = sum(item.words for item in chosen)
        enough = len(chosen) >= self.settings.min_sentences and words >= self.settings.words
        return enough or len(chosen) >= self.settings.max_sentences

    def _fits(self, item: Candidate, chosen: Sequence[Candidate]) -> bool:
        return sum(other.words for other in chosen) + item.words <= 1.25 * self.settings.words


def _is_near(item: Candidate) -> bool:
    """Whether it has anything to do with the query, in meaning or in words."""
    return item.features.query >= _NEAR or item.features.bm25 > _TOUCHING


def _with_leaders(item: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The sentence behind those it leans on; nothing where the first of them is not there, or it is far."""
    by_key = {_key(other): other for other in candidates}
    run = [item]
    while run[0].follows:
        before = by_key.get((item.marker, run[0].place - 1))
        if before is None or len(run) == _LEADERS:
            return []
        run.insert(0, before)
    return run


def in_reading_order(chosen: Sequence[Candidate]) -> list[Candidate]:
    """The definition first, then what has no date, then by the first year named; followers behind what they follow."""
    heads = [item for item in chosen if not _stays_behind(item, chosen)]
    if not heads:
        return []
    opening = max(heads, key=lambda item: (not item.features.leaning, item.features.definition, -chosen.index(item)))
    rest = sorted((item for item in heads if item is not opening), key=_first_year)
    return [item for head in (opening, *rest) for item in _with_followers(head, chosen)]


def _with_followers(head: Candidate, chosen: Sequence[Candidate]) -> list[Candidate]:
    by_key = {_key(item): item for item in chosen}
    run = [head]
    while (following := by_key.get((head.marker, run[-1].place + 1))) and _stays_behind(following, chosen):
        run.append(following)
    return run


def _stays_behind(item: Candidate, chosen: Sequence[Candidate]) -> bool:
    """Whether it follows, or its "he" is said before any name while the sentence that it stood behind is here too."""
    leans = item.features.leaning > 0 or leans_on_subject(item.text)
    return item.follows or (leans and (item.marker, item.place - 1) in map(_key, chosen))


def _key(item: Candidate) -> tuple[int, int]:
    return item.marker, item.place


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared terms as a share of the shorter sentence's."""
    return len(first & second) / max(min(len(first), len(second)), 1)


def _first_year(item: Candidate) -> int:
    years = _YEAR.findall(item.text)
    return min(map(int, years)) if years else 0
