"""METEOR (Banerjee and Lavie, 2005) with two of its modules: exact words, then Snowball English stems. No synonyms.

Synonyms need WordNet and paraphrases the tables of METEOR 1.5 (Denkowski and Lavie, 2014); neither can be had offline,
so the measure's name says which modules ran, and its values lie below those of full METEOR. Own code, with the
parameters of the 2005 paper; it agrees with nltk's `single_meteor_score` given the same stemmer and no synonyms. As
there, repeated words are paired from the end backwards, which need not be the alignment with the fewest chunks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..core import Item, Scores
from .against import against_references
from .tokens import stem, words

RECALL_WEIGHT = 0.9
PENALTY_POWER = 3
PENALTY_MOST = 0.5

Place = tuple[int, str]


class Meteor:
    """Of several references the best one counts."""

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [against_references("METEOR(exact, stem)", items, _of_item)]


def meteor(text: Sequence[str], reference: Sequence[str]) -> float:
    """METEOR of two lists of lower-cased words, in [0, 1); 0 when nothing matches."""
    pairs = align(text, reference)
    if not pairs:
        return 0.0
    precision, recall = len(pairs) / len(text), len(pairs) / len(reference)
    mean = precision * recall / (RECALL_WEIGHT * precision + (1 - RECALL_WEIGHT) * recall)
    return mean * (1 - PENALTY_MOST * (chunks(pairs) / len(pairs)) ** PENALTY_POWER)


def align(text: Sequence[str], reference: Sequence[str]) -> list[tuple[int, int]]:
    """(place in the text, place in the reference) of matched words, in the text's order: exact first, then stems."""
    exact, ours, theirs = _pair(list(enumerate(text)), list(enumerate(reference)))
    stemmed, _, _ = _pair([(i, stem(word)) for i, word in ours], [(j, stem(word)) for j, word in theirs])
    return sorted(exact + stemmed)


def chunks(pairs: Sequence[tuple[int, int]]) -> int:
    """How many runs of neighbours in both texts the matches make."""
    following = set(pairs)
    return sum((i - 1, j - 1) not in following for i, j in pairs)


def _pair(ours: list[Place], theirs: list[Place]) -> tuple[list[tuple[int, int]], list[Place], list[Place]]:
    """Pairs of equal words from the end backwards, and what is left on either side."""
    free: dict[str, list[int]] = defaultdict(list)
    for j, word in theirs:
        free[word].append(j)
    pairs = [(i, free[word].pop()) for i, word in reversed(ours) if free[word]]
    taken_ours, taken_theirs = {i for i, _ in pairs}, {j for _, j in pairs}
    left_ours = [place for place in ours if place[0] not in taken_ours]
    return pairs, left_ours, [place for place in theirs if place[0] not in taken_theirs]


def _of_item(item: Item) -> float:
    text = words(item.text)
    return max(meteor(text, words(reference)) for reference in item.references)
