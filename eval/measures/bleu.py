"""BLEU-1..4 (Papineni et al., 2002) by sacrebleu (Post, 2018), in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from webbrain.extras import needs

from ..core import Item, Scores
from .against import against_references

ORDERS = (1, 2, 3, 4)


class Bleu:
    """BLEU-n is cumulative: the geometric mean of the 1..n-gram precisions times the brevity penalty.

    Per query: sacrebleu's sentence BLEU, with exponential smoothing (a zero precision becomes 1/2, 1/4, ... of one
    match) and the effective order, so that a text shorter than n words is not 0 for that alone. `pooled`: sacrebleu's
    corpus BLEU, the counts of all queries added up. Case matters; tokens are those of mteval-v13a, for languages
    written with spaces.
    """

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [self._order(order, items) for order in ORDERS]

    def _order(self, order: int, items: Sequence[Item]) -> Scores:
        with needs("eval"):
            from sacrebleu.metrics.bleu import BLEU
        sentence = BLEU(max_ngram_order=order, effective_order=True)
        scores = against_references(
            f"BLEU-{order}", items, lambda item: sentence.sentence_score(item.text, list(item.references)).score / 100
        )
        judged = [item for item in items if item.references]
        if not judged:
            return scores
        streams = [list(stream) for stream in zip_longest(*(item.references for item in judged))]
        pooled = BLEU(max_ngram_order=order).corpus_score([item.text for item in judged], streams).score / 100
        return Scores(scores.name, scores.values, scores.reasons, pooled)
