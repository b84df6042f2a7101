"""Each word of a claim against the passage: is it there, and does what stands around it there agree?

The second question is *binding*: a number or a name taken from elsewhere in the passage is there, but in another
context. Everything is a matrix over (claim word, passage word).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.lexicon import opposites
from webbrain.grounding.words import CONTENT, FUNCTION, NAME, NEGATION, NUMBER, RANKING, Words
from webbrain.protocols import Vectors

Floats = NDArray[np.float32]
CONTEXT = 6  # words on either side in the passage among which a context word is looked for
DECAY = 4.0  # distance in the claim, in words, at which a context word counts 1/e
SCOPE = 4  # words after a negation that it may negate
WORD_FEATURES = (
    "in_source", "in_focus", "similarity", "best_similarity", "context", "context_at_word", "context_lead",
    "rival_lead", "opposite", "left", "right", "order_before", "order_after", "negation_added", "negation_dropped",
    "sentence_share",
    "number", "name", "ranking", "negation", "weight",
)  # fmt: skip
# Whether more of a feature can only mean more support (+1), less (-1), or neither is known (0).
WORD_SIGNS = (1, 1, 1, 1, 1, 1, 1, 1, -1, 1, 1, 1, 1, -1, -1, 1, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Alignment:
    """`features` is (claim words, len(WORD_FEATURES)); `best[i]` the passage word that claim word i is aligned to."""

    features: Floats
    best: NDArray[np.int64]
    same: NDArray[np.bool_]


def align(claim: Words, passage: Words, owners: list[int], source_keys: set[str], c: Vectors, p: Vectors) -> Alignment:
    """Align a claim to a passage of at least one word; `owners` numbers the passage's sentences per word."""
    same = _same(claim.keys, passage.keys)
    kinds, others = np.array(claim.kinds), np.array(passage.kinds)
    weights = np.array(claim.weights, np.float32)
    similar = _similarity(c @ p.T, same, kinds, others)
    context = _context(similar, weights)
    best = np.argmax(similar + context, axis=1)
    rows = np.arange(len(claim))
    at_word = np.where(same, context, 0).max(axis=1)
    lead = at_word - context.max(axis=1)
    rival = at_word - _rival_context(context, same, kinds, others)
    columns = [
        np.array([key in source_keys for key in claim.keys]),
        same.any(axis=1),
        similar[rows, best],
        similar.max(axis=1),
        context[rows, best],
        at_word,
        lead,
        rival,
        _opposite(claim.keys, passage.keys, context),
        *_neighbours(similar, best),
        *_order(best, weights),
        *_negation(claim, passage, np.array(owners), best),
        _sentence_share(best, np.array(owners), weights),
        kinds == NUMBER,
        kinds == NAME,
        kinds == RANKING,
        kinds == NEGATION,
        weights,
    ]
    return Alignment(np.stack(columns, axis=1).astype(np.float32), best, same)


def _same(claim: list[str], passage: list[str]) -> NDArray[np.bool_]:
    number = {key: at for at, key in enumerate(dict.fromkeys([*claim, *passage]))}
    return np.array([number[key] for key in claim])[:, None] == np.array([number[key] for key in passage])[None, :]  # type: ignore[no-any-return]


def _similarity(cosine: Floats, same: NDArray[np.bool_], kinds: NDArray[np.int64], others: NDArray[np.int64]) -> Floats:
    """Cosine, raised for the same word; another number or negation is not similar, however close its vector."""
    similar = np.where(same, 0.5 + 0.5 * cosine, cosine * 0.9)
    exact = np.isin(kinds, (NUMBER, NEGATION))[:, None] | np.isin(others, (NUMBER, NEGATION))[None, :]
    return np.asarray(np.where(exact & ~same, np.minimum(similar, 0.2), similar), np.float32)


def _context(similar: Floats, weights: Floats) -> Floats:
    """How well the words around claim word i are found around passage word j, word i itself left out."""
    rows = np.arange(len(weights))
    distance = np.abs(rows[:, None] - rows[None, :])
    share = np.exp(-distance / DECAY) * weights[None, :]
    np.fill_diagonal(share, 0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(share @ _sliding_max(similar, CONTEXT), np.float32)


def _sliding_max(values: Floats, reach: int) -> Floats:
    """Per row the maximum over columns j - reach .. j + reach."""
    padded = np.pad(values, ((0, 0), (reach, reach)), constant_values=-1)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1).max(axis=-1), np.float32)


def _rival_context(
    context: Floats, same: NDArray[np.bool_], kinds: NDArray[np.int64], others: NDArray[np.int64]
) -> Floats:
    """The best context among other words of the same kind (another number for a number); 0 where there is none."""
    kind_of_rival = np.where(kinds == RANKING, RANKING, np.where(kinds == FUNCTION, -1, kinds))
    rival = (kind_of_rival[:, None] == others[None, :]) & ~same
    return np.asarray(np.where(rival, context, 0).max(axis=1), np.float32)


def _opposite(claim: list[str], passage: list[str], context: Floats) -> Floats:
    """The best context in which the passage has an opposite of the word."""
    found = np.zeros(len(claim), np.float32)
    for at, key in enumerate(claim):
        if others := opposites(key):
            places = [place for place, other in enumerate(passage) if other in others]
            if places:
                found[at] = context[at, places].max()
    return found


def _neighbours(similar: Floats, best: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Is the word before (after) it in the claim found just before (after) its place in the passage?"""
    rows, width = len(best), similar.shape[1]
    left, right = np.ones(rows, np.float32), np.ones(rows, np.float32)
    for row in range(rows):
        at = int(best[row])
        if row:
            left[row] = similar[row - 1, max(0, at - 3) : at].max(initial=0)
        if row + 1 < rows:
            right[row] = similar[row + 1, at + 1 : min(width, at + 4)].max(initial=0)
    return left, right


def _order(best: NDArray[np.int64], weights: Floats) -> tuple[Floats, Floats]:
    """1 where the content word before (after) is aligned before (after) this one, 0 where it is not."""
    before, after = np.ones(len(best), np.float32), np.ones(len(best), np.float32)
    content = [row for row in range(len(best)) if weights[row] > 1]
    for first, second in pairwise(content):
        ordered = float(0 < best[second] - best[first] <= 15)
        before[second] = after[first] = ordered
    return before, after


def _negation(
    claim: Words, passage: Words, owners: NDArray[np.int64], best: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Is the word negated in the claim alone, or in the passage alone?

    A negation reaches SCOPE words, and never into the next sentence. It may stand elsewhere in the other text ("no
    yeast is in it", "it contains no yeast"): one anywhere in the aligned sentence, or in the claim, counts as the same.
    """
    here, there = _negated(claim, np.zeros(len(claim), np.int64)), _negated(passage, owners)[best]
    content = np.array([kind in (CONTENT, NAME, RANKING, NUMBER) for kind in claim.kinds])
    denying = owners[_negations(passage)]
    added = here & ~there & content & ~np.isin(owners[best], denying)
    dropped = ~here & there & content & (not _negations(claim))
    return np.asarray(added, np.float32), np.asarray(dropped, np.float32)


def _negated(words: Words, sentences: NDArray[np.int64]) -> NDArray[np.bool_]:
    negated = np.zeros(len(words), bool)
    for at in _negations(words):
        reach = slice(at + 1, at + 1 + SCOPE)
        negated[reach] |= sentences[reach] == sentences[at]
    return negated


def _negations(words: Words) -> list[int]:
    """Places of the words that deny; the "no" of "no other bird is rarer" ranks."""
    following = [*words.keys[1:], ""]
    pairs = enumerate(zip(words.kinds, following, strict=True))
    return [at for at, (kind, after) in pairs if kind == NEGATION and after != "other"]


def _sentence_share(best: NDArray[np.int64], owners: NDArray[np.int64], weights: Floats) -> Floats:
    """Share of the claim's weight that is aligned to the same sentence as this word."""
    home = owners[best]
    total = max(float(weights.sum()), 1e-9)
    return np.array([weights[home == sentence].sum() / total for sentence in home], np.float32)
