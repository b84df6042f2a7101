"""What a trained scorer sees of a claim and its source: numbers that do not grow with the length of either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.alignment import WORD_FEATURES, Alignment, Floats, align
from webbrain.grounding.focus import FOCUS_WORDS, Focus, Source, focus
from webbrain.grounding.words import CONTENT, NAME, NUMBER, RANKING, Words
from webbrain.protocols import Vectors

CLAIM_FEATURES = (
    "coverage", "sentence_coverage", "window_coverage", "bigrams", "trigrams", "copied_run", "similarity",
    "similarity_low", "context", "context_low", "lead", "lead_low", "number_rival", "name_rival", "order", "neighbours",
    "missing_numbers", "missing_names", "missing_weight", "negation_added", "negation_dropped", "opposite",
    "missing_rankings", "home", "topic",
)  # fmt: skip
CLAIM_SIGNS = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, 1, 1)
WINDOW = 3  # sentences
_AT = {name: column for column, name in enumerate(WORD_FEATURES)}
Encode = Callable[[str, Words], Vectors]


@dataclass(frozen=True, slots=True)
class Reading:
    """A claim read against a source: `claim` features of shape (len(CLAIM_FEATURES),), and the words' alignment."""

    claim: Floats
    source: Source
    focus: Focus
    alignment: Alignment


def read(claim_text: str, claim: Words, source: Source, encode: Encode, budget: int = FOCUS_WORDS) -> Reading:
    """Features of a claim of at least one word against a source of at least one word."""
    near = focus(claim, source, budget)
    keys = set(source.words.keys)
    here, there = encode(claim_text, claim), encode(near.text, near.words)
    alignment = align(claim, near.words, near.sentences, keys, here, there)
    topic = _topic(claim, near, here, there)
    features = np.append(_claim_features(claim, source, keys, alignment), np.float32(topic))
    return Reading(features, source, near, alignment)


def _topic(claim: Words, near: Focus, here: Vectors, there: Vectors) -> float:
    """Cosine of claim and nearest sentence, each the sum of its word vectors by weight: for a paraphrase, of which no
    word need be the same."""
    owners, weights = np.array(near.sentences), np.array(near.words.weights, np.float32)
    wanted = np.array(claim.weights, np.float32) @ here
    sums = np.stack([weights[owners == sentence] @ there[owners == sentence] for sentence in np.unique(owners)])
    lengths = np.linalg.norm(sums, axis=1) * float(np.linalg.norm(wanted))
    return float((sums @ wanted / np.maximum(lengths, 1e-9)).max())


def _claim_features(claim: Words, source: Source, keys: set[str], alignment: Alignment) -> Floats:
    words = alignment.features
    kinds, weights = np.array(claim.kinds), np.array(claim.weights, np.float32)
    content = np.isin(kinds, (CONTENT, NUMBER, NAME, RANKING))
    if not content.any():
        content[:] = True
    there = words[:, _AT["in_source"]]
    scaled = weights * content
    scaled = scaled / max(float(scaled.sum()), 1e-9)

    def mean(name: str) -> float:
        return float(words[:, _AT[name]] @ scaled)

    def low(name: str, mask: NDArray[np.bool_] = content, none: float = 1.0) -> float:
        return float(words[mask, _AT[name]].min()) if mask.any() else none

    def missing(kind: int) -> float:
        return float(min(3, (~(there[kinds == kind] > 0)).sum()))

    unmatched = (words[:, _AT["in_focus"]] == 0) & content
    sentence, window = _window_coverage(claim, source)
    return np.array(
        [
            float(there @ scaled),
            sentence,
            window,
            _ngrams(claim.keys, source.words.keys, 2),
            _ngrams(claim.keys, source.words.keys, 3),
            _copied_run(alignment.same),
            mean("similarity"),
            low("similarity"),
            mean("context"),
            low("context"),
            mean("context_lead"),
            low("context_lead"),
            low("rival_lead", kinds == NUMBER),
            low("rival_lead", kinds == NAME),
            (mean("order_before") + mean("order_after")) / 2,
            (mean("left") + mean("right")) / 2,
            missing(NUMBER),
            missing(NAME),
            float((weights * (words[:, _AT["similarity"]] < 0.6) * content).max(initial=0)),
            float(words[:, _AT["negation_added"]].max()),
            float(words[:, _AT["negation_dropped"]].max()),
            float((words[:, _AT["opposite"]] * unmatched).max()),
            missing(RANKING),
            mean("sentence_share"),
        ],
        np.float32,
    )


def _window_coverage(claim: Words, source: Source) -> tuple[float, float]:
    """Share of the claim's weight held by the best sentence, and by the best WINDOW sentences in a row."""
    weights = dict(zip(claim.keys, claim.weights, strict=True))
    total = max(sum(weights.values()), 1e-9)
    held = [weights.keys() & set(source.keys(at)) for at in range(len(source.spans))]
    best = max((sum(map(weights.__getitem__, keys)) for keys in held), default=0.0)
    windows = (set().union(*held[at : at + WINDOW]) for at in range(max(1, len(held) - WINDOW + 1)))
    return best / total, max((sum(map(weights.__getitem__, keys)) for keys in windows), default=0.0) / total


def _ngrams(claim: list[str], source: list[str], size: int) -> float:
    """Share of the claim's n-grams that stand in the source; of its words when it is shorter than that."""
    size = min(size, len(claim))
    wanted = list(zip(*(claim[at:] for at in range(size)), strict=False))
    held = set(zip(*(source[at:] for at in range(size)), strict=False))
    return sum(gram in held for gram in wanted) / len(wanted)


def _copied_run(same: NDArray[np.bool_]) -> float:
    """Longest run of words that the passage has in the same order without a gap, as a share of the claim."""
    run = np.zeros(same.shape[1] + 1, np.int32)
    longest = 0
    for row in same:
        run[1:] = np.where(row, run[:-1] + 1, 0)
        longest = max(longest, int(run.max()))
    return float(longest / same.shape[0])
