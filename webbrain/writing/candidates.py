"""Sentences that may stand in an extractive article, each with the features that say how well.

A sentence that leans on the one before it ("She was born ...") is a candidate too, but only behind that sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from webbrain.analysis import Analyzer, is_stop
from webbrain.grounding.facts import names, numbers
from webbrain.grounding.normal import tidy
from webbrain.grounding.quantities import magnitude_of, number_key
from webbrain.grounding.sentences import split_sentences
from webbrain.protocols import Encoder, Vectors
from webbrain.types import Passage
from webbrain.writing.quality import (
    flaws,
    function_word_share,
    gender,
    has_stop,
    is_dangling,
    is_finished,
    is_of_the_day,
    is_punctuated,
    leans_on_subject,
    points_back,
)

_COPULA = re.compile(r"\b(?:is|was|are|were|refers? to|denotes?|means?)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the|one|any|both)\b", re.IGNORECASE)
_DATELINE = re.compile(r"^[A-Z][A-Z]+(?:,? [A-Z][\w.]*){0,3}(?: ?\([A-Za-z .]+\))? ?[-–—] (?=[A-Z\"“])")
_TOKEN = re.compile(r"\d[\d.,]*|\w+")
_PRONOUN = re.compile(r"^(?:he|she|it|they|his|her|its|their)\b", re.IGNORECASE)
_DEFINITION_REACH = 160  # characters before the copula of a defining sentence
_SUBJECT_WORDS = 6  # a sentence about the query names it among its first words
_PROSE = 0.2  # share of function words under which a text is a menu or another language
_INHERITED = 0.95  # of the nearness to the query of the sentence before, for one that follows it
_TITLE_SHARE = 0.6  # of the terms of a headline, that are its page's title's
_TITLE_EXTRA = 4  # terms that it may have more, as the name of a site
_QUALIFIED = re.compile(r"(.+) \((.+)\)$")
# "painter", "guitarist", "god", but not "the former", "the elder" nor "the other".
_ROLE = (
    r"(?!(?:former|later|older|elder|younger|other|greater)\b)"
    r"[a-z]+(?:er|or|ist|ian|man|woman)|poet|king|queen|saint|god|planet"
)
_FULL_WORDS = 25  # a sentence of so many words is of full length


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for a sentence, each in [0, 1] (cosines in [-1, 1]).

    `query`: cosine to the query; `agreement`: cosine to the centre of the evidence; `bm25`: of the query, among the
    candidates; `definition`: says what the subject is; `subject`: names it early; `finished`: form of a sentence;
    `rank`: of its passage; `place`: early in its page; `title`: its page is titled like the query; `corroboration`:
    facts found in other pages; `length`; `leaning`: points to something unsaid; `namesake`: of a thing named after the
    subject; `of_the_day`: tells time from its day; `disputed`: other pages agree on another number.
    A sentence that follows another is near what that one is near.
    """

    query: float
    agreement: float
    bm25: float
    definition: float
    subject: float
    finished: float
    rank: float
    place: float
    title: float
    corroboration: float
    length: float
    leaning: float
    namesake: float
    of_the_day: float
    disputed: float

    def vector(self) -> NDArray[np.float64]:
        return np.array([getattr(self, field.name) for field in fields(self)])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of `evidence[marker - 1]`, the `place`-th there; `follows` when it needs the one before it."""

    text: str
    marker: int
    place: int
    follows: bool
    terms: frozenset[str]
    features: Features
    vector: NDArray[np.float32]

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    marker: int
    place: int
    follows: bool


class CandidateFinder:
    """Finds candidates; without an encoder sentences are compared by their terms."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        self.encoder = encoder
        self.analyzer = Analyzer()

    def find(self, query: str, evidence: Sequence[Passage]) -> list[Candidate]:
        found = [
            item
            for item in _fit_sentences(evidence)
            if not self._is_title(item, evidence) and not _is_other(item.text, query)
        ]
        if not found:
            return []
        texts = [item.text for item in found]
        terms = [self._terms(text) for text in texts]
        vectors, query_vector = self._vectors(query, texts, terms)
        features = self._features(query, evidence, found, vectors, vectors @ query_vector)
        return [
            Candidate(item.text, item.marker, item.place, item.follows, terms[at], features[at], vectors[at])
            for at, item in enumerate(found)
        ]

    def _is_title(self, item: _Found, evidence: Sequence[Passage]) -> bool:
        """Whether it is the headline of its page once more: no stop, and little but the words of the title."""
        if has_stop(item.text):
            return False
        title, said = self._terms(evidence[item.marker - 1].title), self._terms(item.text)
        return len(title & said) >= _TITLE_SHARE * len(said) and len(said) <= len(title) + _TITLE_EXTRA

    def _terms(self, text: str) -> frozenset[str]:
        return frozenset(term for term in self.analyzer.terms(text) if not is_stop(term))

    def _vectors(
        self, query: str, texts: list[str], terms: list[frozenset[str]]
    ) -> tuple[Vectors, NDArray[np.float32]]:
        """Unit vectors of the sentences, shape (n, dim), and of the query, shape (dim,)."""
        if self.encoder is not None:
            return self.encoder.encode(texts), self.encoder.encode([query])[0]
        every = [*terms, self._terms(query)]
        known = {term: number for number, term in enumerate(sorted(set().union(*every)))}
        rows = np.zeros((len(every), max(len(known), 1)), np.float32)
        for row, held in zip(rows, every, strict=True):
            row[[known[term] for term in held]] = 1 / max(len(held), 1) ** 0.5
        return rows[:-1], rows[-1]

    def _features(
        self,
        query: str,
        evidence: Sequence[Passage],
        found: Sequence[_Found],
        vectors: Vectors,
        near: NDArray[np.float32],
    ) -> list[Features]:
        wanted = self._terms(query)
        asked = frozenset(query.casefold().split())
        agreement, relevance = _agreement(vectors, near), _inherit(found, self._bm25(query, found))
        nearness = _inherit(found, near.tolist())
        corroborated = _corroboration(found, evidence)
        disputed = _disputes(found, evidence)
        titles = [_similarity(self._terms(passage.title), wanted) for passage in evidence]
        return [
            Features(
                query=nearness[at],
                agreement=float(agreement[at]),
                bm25=relevance[at],
                definition=self._definition(item.text, wanted),
                subject=float(bool(self._terms(" ".join(item.text.split()[:_SUBJECT_WORDS])) & wanted)),
                finished=float(is_finished(item.text)),
                rank=1 - (item.marker - 1) / len(evidence),
                place=1 / (1 + item.place + evidence[item.marker - 1].start / 300),
                title=titles[item.marker - 1],
                corroboration=corroborated[at],
                length=min(len(item.text.split()) / _FULL_WORDS, 1.0),
                leaning=float(points_back(item.text) or (not item.follows and leans_on_subject(item.text, asked))),
                namesake=float(_is_namesake(item.text, query)),
                of_the_day=float(is_of_the_day(item.text)),
                disputed=disputed[at],
            )
            for at, item in enumerate(found)
        ]

    def _bm25(self, query: str, found: Sequence[_Found]) -> list[float]:
        """BM25 of each sentence among these (rank-bm25's BM25+, whose idf stays positive), as a share of the best."""
        from rank_bm25 import BM25Plus

        scores = BM25Plus([self.analyzer.terms(item.text) for item in found]).get_scores(
            self.analyzer.query_terms(query)
        )
        low, high = float(scores.min()), float(scores.max())
        return [(float(score) - low) / (high - low) if high > low else 0.0 for score in scores]

    def _definition(self, text: str, wanted: frozenset[str]) -> float:
        """How far the sentence says what the query's subject is, in [0, 1]: "<subject> is a ..."."""
        copula = _COPULA.search(text)
        if copula is None or copula.start() > _DEFINITION_REACH or not wanted:
            return 0.0
        subject = self._terms(text[: copula.start()])
        shared = len(subject & wanted)
        exact = shared / len(wanted) * (0.5 + 0.5 * shared / max(len(subject), 1))
        return exact if _ARTICLE.match(text[copula.end() :].strip()) else 0.6 * exact


def _inherit(found: Sequence[_Found], values: Sequence[float]) -> list[float]:
    """A follower is worth most of what the sentence is that it follows, or more by itself."""
    out: list[float] = []
    for at, item in enumerate(found):
        before = out[at - 1] if item.follows and found[at - 1].marker == item.marker else 0.0
        out.append(max(values[at], _INHERITED * before))
    return out


def _is_namesake(text: str, query: str) -> bool:
    """Whether a name of several words is part of a longer one: "Ada Lovelace Day" is not Ada Lovelace."""
    return " " in query and bool(re.search(rf"{re.escape(query)} (?!I\b)[A-Z]\w", text))


def _is_other(text: str, query: str) -> bool:
    """Whether it speaks of another one of the name than asked for: of "the philosopher Francis Bacon" where the query
    is "Francis Bacon (painter)"."""
    asked = _QUALIFIED.match(query)
    if asked is None:
        return False
    roles = re.findall(rf"\b[Tt]he (?:[\w-]+ ){{0,2}}?({_ROLE}) {re.escape(asked[1])}\b", text)
    return bool(roles) and not set(roles) & set(asked[2].lower().split())


def _fit_sentences(evidence: Sequence[Passage]) -> list[_Found]:
    """Sentences fit to be quoted, each text once; those that begin with a pronoun follow the one before.

    One with the other gender's pronouns than the evidence as a whole speaks of somebody it does not name.
    """
    found: dict[str, _Found] = {}
    usual = gender(" ".join(passage.text for passage in evidence))
    for marker, passage in enumerate(evidence, start=1):
        texts = [tidy(passage.text[span.start : span.end]) for span in split_sentences(passage.text)]
        punctuated = is_punctuated(texts)
        before = False
        for place, raw in enumerate(texts):
            text = _DATELINE.sub("", raw)
            follows = bool(_PRONOUN.match(text))
            fit = _is_fit(text, punctuated) and (follows or gender(text) in ("", usual))
            before = fit and (before if follows else not is_dangling(text))
            if before:
                found.setdefault(text.casefold(), _Found(text, marker, place, follows))
    return list(found.values())


def _is_fit(text: str, punctuated: bool) -> bool:
    return not flaws(text) and function_word_share(text) >= _PROSE and (has_stop(text) or not punctuated)


def _agreement(vectors: Vectors, near: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine to the centre of the evidence, where sentences near the query weigh more."""
    centre = (vectors * np.square(np.maximum(near, 0))[:, None]).sum(axis=0)
    values: NDArray[np.float32] = vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
    return values


def _corroboration(found: Sequence[_Found], evidence: Sequence[Passage]) -> list[float]:
    """Per sentence the share of its numbers and names that stand in another document of the evidence too."""
    sources: dict[str, set[str]] = {}
    for passage in evidence:
        for fact in _facts(passage.text):
            sources.setdefault(fact, set()).add(passage.doc_id)
    shares = []
    for item in found:
        facts, doc_id = _facts(item.text), evidence[item.marker - 1].doc_id
        shared = sum(bool(sources.get(fact, set()) - {doc_id}) for fact in facts)
        shares.append(shared / len(facts) if facts else 1.0)
    return shares


def _disputes(found: Sequence[_Found], evidence: Sequence[Passage]) -> list[float]:
    """1.0 for a sentence that counts something otherwise than two other documents do and no other supports."""
    counts: dict[str, dict[str, set[str]]] = {}
    for passage in evidence:
        for number, noun in _counted(passage.text):
            counts.setdefault(noun, {}).setdefault(number, set()).add(passage.doc_id)
    return [
        float(any(_is_outvoted(counts.get(noun, {}), number) for number, noun in _counted(item.text))) for item in found
    ]


def _is_outvoted(votes: dict[str, set[str]], number: str) -> bool:
    backers = votes.get(number, set())
    return len(backers) < 2 and any(len(docs - backers) > 1 for key, docs in votes.items() if key != number)


def _counted(text: str) -> list[tuple[str, str]]:
    """(number, noun) of what a text counts, numbers in one form ("seven prisoners", "7 prisoners")."""
    words = [word.lower() for word in _TOKEN.findall(text)]
    pairs = []
    for at in range(len(words) - 1):
        used, number = magnitude_of(words[at : at + 6])
        if not used and words[at][0].isdigit():
            used, number = 1, number_key(words[at])
        if used and at + used < len(words) and len(words[at + used]) > 3 and words[at + used].isalpha():
            pairs.append((number, words[at + used]))
    return pairs


def _facts(text: str) -> frozenset[str]:
    return names(text) | numbers(text)


def _similarity(first: frozenset[str], second: frozenset[str]) -> float:
    union = len(first | second)
    return len(first & second) / union if union else 0.0
