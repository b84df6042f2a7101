"""The extractive writer: sentences of the evidence, word for word, that together make a lead section.

What the thing is comes first, then its main facts. Sentences are chosen greedily by relevance to the query, agreement
with the rest of the evidence and form, against what is already said (maximal marginal relevance, Carbonell and
Goldstein, SIGIR 1998).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import Analyzer, is_stop
from webbrain.grounding.facts import names, numbers
from webbrain.grounding.normal import tidy
from webbrain.grounding.sentences import split_sentences
from webbrain.protocols import Encoder, Vectors
from webbrain.types import Passage, Sentence
from webbrain.writing.quality import (
    flaws,
    function_word_share,
    has_stop,
    is_dangling,
    is_finished,
    is_of_the_day,
    is_punctuated,
    leans_on_subject,
)

_COPULA = re.compile(r"\b(?:is|was|are|were|refers? to|denotes?|means?)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the|one|any|both)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(1[0-9]{3}|20[0-9]{2})\b")
_DATELINE = re.compile(r"^[A-Z][A-Z .,]{2,40}(?:\([A-Za-z .]+\)\s*)?\s[-–—]\s+(?=[A-Z\"“])")
_DEFINITION_REACH = 160  # characters before the copula of a defining sentence


@dataclass(frozen=True, slots=True)
class ExtractiveSettings:
    """Weights of a sentence's features, tuned on half of the development titles; length in words."""

    words: int = 85
    min_sentences: int = 4
    max_sentences: int = 8
    query_cosine: float = 1.0
    agreement: float = 1.0
    definition: float = 0.4
    finished: float = 0.2
    early_passage: float = 0.3
    query_terms: float = 0.2
    corroboration: float = 0.3
    leaning: float = -0.2
    of_the_day: float = -0.2
    redundancy: float = 0.5
    redefinition: float = 0.3
    max_overlap: float = 0.6
    max_cosine: float = 0.88
    prose: float = 0.2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be chosen: its evidence (1-based marker), place within it, terms and features."""

    text: str
    marker: int
    place: int
    terms: frozenset[str]
    definition: float
    leaning: bool
    score: float
    vector: NDArray[np.float32]

    @property
    def words(self) -> int:
        return len(self.text.split())


class ExtractiveWriter:
    """Implements `webbrain.protocols.Writer`; without an encoder it compares sentences by their terms."""

    name = "extractive"

    def __init__(self, encoder: Encoder | None = None, settings: ExtractiveSettings | None = None) -> None:
        self.encoder = encoder
        self.settings = settings or ExtractiveSettings()
        self.analyzer = Analyzer()

    def write(self, query: str, evidence: Sequence[Passage]) -> list[Sentence]:
        """Sentences of the evidence, tidied of reference marks only, each citing the passage it stands in."""
        chosen = self._choose(self._candidates(query, evidence))
        return [Sentence(item.text, (item.marker,)) for item in _in_reading_order(chosen)]

    def _candidates(self, query: str, evidence: Sequence[Passage]) -> list[Candidate]:
        found = self._fit_sentences(evidence)
        if not found:
            return []
        texts = [text for text, _, _ in found]
        terms = [self._terms(text) for text in texts]
        vectors, query_vector = self._vectors(query, texts, terms)
        near = vectors @ query_vector
        agreement = _agreement(vectors, near)
        corroborated = _corroboration(texts, [evidence[marker - 1].doc_id for _, marker, _ in found], evidence)
        wanted = self._terms(query)
        weights, last = self.settings, len(evidence)
        subject = frozenset(query.casefold().split())
        candidates = []
        for at, (text, marker, place) in enumerate(found):
            definition = self._definition(text, wanted)
            leaning = leans_on_subject(text, subject)
            score = (
                weights.query_cosine * float(near[at])
                + weights.agreement * float(agreement[at])
                + weights.definition * definition
                + weights.finished * is_finished(text)
                + weights.corroboration * corroborated[at]
                + weights.leaning * leaning
                + weights.of_the_day * is_of_the_day(text)
                + weights.early_passage * (1 - (marker - 1) / last)
                + weights.query_terms * len(terms[at] & wanted) / max(len(wanted), 1)
            )
            candidates.append(Candidate(text, marker, place, terms[at], definition, leaning, score, vectors[at]))
        return candidates

    def _fit_sentences(self, evidence: Sequence[Passage]) -> list[tuple[str, int, int]]:
        """(text, marker, place) of sentences that can stand alone, each text once."""
        found: dict[str, tuple[str, int, int]] = {}
        for marker, passage in enumerate(evidence, start=1):
            texts = [tidy(passage.text[span.start : span.end]) for span in split_sentences(passage.text)]
            punctuated = is_punctuated(texts)
            for place, text in enumerate(texts):
                text = _DATELINE.sub("", text)
                if is_dangling(text) or flaws(text) or function_word_share(text) < self.settings.prose:
                    continue
                if punctuated and not has_stop(text):  # a heading, a caption or a menu entry
                    continue
                found.setdefault(text.casefold(), (text, marker, place))
        return list(found.values())

    def _terms(self, text: str) -> frozenset[str]:
        return frozenset(term for term in self.analyzer.terms(text) if not is_stop(term))

    def _vectors(
        self, query: str, texts: list[str], terms: list[frozenset[str]]
    ) -> tuple[Vectors, NDArray[np.float32]]:
        """Unit vectors of the sentences, shape (n, dim), and of the query, shape (dim,)."""
        if self.encoder is not None:
            return self.encoder.encode(texts), self.encoder.encode([query])[0]
        every = [*terms, self._terms(query)]
        numbers = {term: number for number, term in enumerate(sorted(set().union(*every)))}
        rows = np.zeros((len(every), max(len(numbers), 1)), np.float32)
        for row, held in zip(rows, every, strict=True):
            row[[numbers[term] for term in held]] = 1 / max(len(held), 1) ** 0.5
        return rows[:-1], rows[-1]

    def _definition(self, text: str, wanted: frozenset[str]) -> float:
        """How far the sentence says what the query's subject is, in [0, 1]: "<subject> is a ..."."""
        copula = _COPULA.search(text)
        if copula is None or copula.start() > _DEFINITION_REACH or not wanted:
            return 0.0
        subject = self._terms(text[: copula.start()])
        shared = len(subject & wanted)
        exact = shared / len(wanted) * (0.5 + 0.5 * shared / max(len(subject), 1))
        return exact if _ARTICLE.match(text[copula.end() :].strip()) else 0.6 * exact

    def _choose(self, candidates: list[Candidate]) -> list[Candidate]:
        """Greedy choice until the article is long enough."""
        chosen: list[Candidate] = []
        pool = sorted(candidates, key=lambda item: (-item.score, item.marker, item.place))
        while pool and not self._is_long_enough(chosen):
            gains = [(self._gain(item, chosen), -at) for at, item in enumerate(pool)]
            gain, at = max(gains)
            if gain == float("-inf"):
                break
            item = pool.pop(-at)
            if len(chosen) < self.settings.min_sentences or self._fits(item, chosen):
                chosen.append(item)
        return chosen

    def _is_long_enough(self, chosen: list[Candidate]) -> bool:
        words = sum(item.words for item in chosen)
        enough = len(chosen) >= self.settings.min_sentences and words >= self.settings.words
        return enough or len(chosen) >= self.settings.max_sentences

    def _fits(self, item: Candidate, chosen: list[Candidate]) -> bool:
        return sum(other.words for other in chosen) + item.words <= 1.25 * self.settings.words

    def _gain(self, item: Candidate, chosen: list[Candidate]) -> float:
        """Score less what is already said; minus infinity for a repeat."""
        if not chosen:
            return item.score
        cosine = max(float(item.vector @ other.vector) for other in chosen)
        overlap = max(_overlap(item.terms, other.terms) for other in chosen)
        if cosine > self.settings.max_cosine or overlap > self.settings.max_overlap:
            return float("-inf")
        defined = max(other.definition for other in chosen)
        repeat = (
            self.settings.redundancy * max(0.0, cosine - 0.3) + self.settings.redefinition * defined * item.definition
        )
        return item.score - repeat


def _agreement(vectors: Vectors, near: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine to the centre of the evidence, where sentences near the query weigh more."""
    centre = (vectors * np.square(np.maximum(near, 0))[:, None]).sum(axis=0)
    values: NDArray[np.float32] = vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
    return values


def _corroboration(texts: Sequence[str], doc_ids: Sequence[str], evidence: Sequence[Passage]) -> list[float]:
    """Per sentence the share of its numbers and names that stand in another document of the evidence too, in [0, 1]."""
    sources: dict[str, set[str]] = {}
    for passage in evidence:
        for fact in _facts(passage.text):
            sources.setdefault(fact, set()).add(passage.doc_id)
    shares = []
    for text, doc_id in zip(texts, doc_ids, strict=True):
        facts = _facts(text)
        shared = sum(bool(sources.get(fact, set()) - {doc_id}) for fact in facts)
        shares.append(shared / len(facts) if facts else 1.0)
    return shares


def _facts(text: str) -> frozenset[str]:
    return names(text) | numbers(text)


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared terms as a share of the shorter sentence's."""
    return len(first & second) / max(min(len(first), len(second)), 1)


def _in_reading_order(chosen: list[Candidate]) -> list[Candidate]:
    """The definition first, then what has no date, then by the first year named."""
    if not chosen:
        return []
    opening = max(chosen, key=lambda item: (not item.leaning, item.definition, item.score))
    rest = [item for item in chosen if item is not opening]
    return [opening, *sorted(rest, key=_first_year)]


def _first_year(item: Candidate) -> int:
    years = _YEAR.findall(item.text)
    return min(map(int, years)) if years else 0
