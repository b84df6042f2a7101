"""CIDEr and CIDEr-D (Vedantam et al., 2015): similarity of TF-IDF weighted n-grams, n = 1..4.

Own code, since pycocoevalcap brings 100 MB of Java along; CIDEr-D agrees with that package. As there, words are not
stemmed, both are scaled by 10, and the length in CIDEr-D's penalty is counted in bigrams. That penalty was made for
captions of ten words: for articles, read CIDEr.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..core import Item, Scores
from .against import NO_REFERENCE, against_references
from .tokens import words

ORDERS = (1, 2, 3, 4)
SIGMA = 6.0
SCALE = 10.0
ONE_DOCUMENT = "document frequencies need references of at least two queries"

Grams = Counter[tuple[str, ...]]


class Cider:
    """Document frequencies are counted over the reference sets of the run's queries."""

    def score(self, items: Sequence[Item]) -> list[Scores]:
        judged = [item for item in items if item.references]
        references = {item.query_id: [words(reference) for reference in item.references] for item in judged}
        if len(judged) < 2:
            return [_not_applicable(name, items) for name in ("CIDEr", "CIDEr-D")]
        weights = Weights.of(list(references.values()))
        texts = {item.query_id: words(item.text) for item in judged}
        return [
            against_references("CIDEr", items, lambda i: cider(texts[i.query_id], references[i.query_id], weights)),
            against_references("CIDEr-D", items, lambda i: cider_d(texts[i.query_id], references[i.query_id], weights)),
        ]


@dataclass(frozen=True, slots=True)
class Weights:
    """In how many of the `documents` reference sets each n-gram occurs."""

    frequencies: Grams
    documents: int

    @classmethod
    def of(cls, reference_sets: Sequence[Sequence[Sequence[str]]]) -> Weights:
        counts: Grams = Counter()
        for references in reference_sets:
            counts.update({gram for reference in references for order in ORDERS for gram in n_grams(reference, order)})
        return cls(counts, len(reference_sets))

    def vector(self, tokens: Sequence[str], order: int) -> dict[tuple[str, ...], float]:
        """TF-IDF of the text's n-grams; an n-gram that no reference has counts as in one."""
        everything = math.log(self.documents)
        counts = n_grams(tokens, order)
        return {gram: n * (everything - math.log(max(1, self.frequencies[gram]))) for gram, n in counts.items()}


def n_grams(tokens: Sequence[str], order: int) -> Grams:
    return Counter(tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1))


def cider(text: Sequence[str], references: Sequence[Sequence[str]], weights: Weights) -> float:
    """10 times the cosine, averaged over n-gram orders and references."""
    total = 0.0
    for order in ORDERS:
        ours = weights.vector(text, order)
        total += sum(_cosine(ours, weights.vector(reference, order), clipped=False) for reference in references)
    return SCALE * total / len(ORDERS) / len(references)


def cider_d(text: Sequence[str], references: Sequence[Sequence[str]], weights: Weights) -> float:
    """As `cider`, with each n-gram's weight clipped to the reference's, and a Gaussian penalty on the length."""
    total = 0.0
    for order in ORDERS:
        ours = weights.vector(text, order)
        for reference in references:
            apart = max(len(text) - 1, 0) - max(len(reference) - 1, 0)
            likeness = _cosine(ours, weights.vector(reference, order), clipped=True)
            total += likeness * math.exp(-(apart**2) / (2 * SIGMA**2))
    return SCALE * total / len(ORDERS) / len(references)


def _cosine(ours: dict[tuple[str, ...], float], theirs: dict[tuple[str, ...], float], *, clipped: bool) -> float:
    shared = ours.keys() & theirs.keys()
    product = math.fsum((min(ours[g], theirs[g]) if clipped else ours[g]) * theirs[g] for g in shared)
    norms = math.sqrt(math.fsum(v * v for v in ours.values())) * math.sqrt(math.fsum(v * v for v in theirs.values()))
    return product / norms if norms else 0.0


def _not_applicable(name: str, items: Sequence[Item]) -> Scores:
    reasons = {item.query_id: ONE_DOCUMENT if item.references else NO_REFERENCE for item in items}
    return Scores(name, {item.query_id: None for item in items}, reasons)
