"""How much an article repeats itself: likeness of its sentences, and repeated three-word runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..core import Item, Scores
from .against import of_article
from .cider import n_grams
from .tokens import words

RUN_WORDS = 3
TOO_FEW = "the article has fewer than two sentences"
TOO_SHORT = f"no sentence has {RUN_WORDS} words"


class Redundancy:
    """`redundancy`: mean over sentences of the best ROUGE-L F1 (Lin, 2004) with another sentence of the article.

    `repeated 3-grams`: share of the article's three-word runs that stood in it before (seq-rep-3 of Welleck et al.,
    2020); runs do not cross sentences. Both on lower-cased words without stemming.
    """

    def score(self, items: Sequence[Item]) -> list[Scores]:
        return [
            of_article("redundancy", items, lambda item: redundancy(_sentences(item)), TOO_FEW),
            of_article("repeated 3-grams", items, lambda item: repeated_runs(_sentences(item)), TOO_SHORT),
        ]


def redundancy(sentences: Sequence[Sequence[str]]) -> float | None:
    """Mean over sentences (as words) of the highest ROUGE-L F1 with another one; None for fewer than two sentences."""
    if len(sentences) < 2:
        return None
    best = [0.0] * len(sentences)
    for i, one in enumerate(sentences):
        for j in range(i):
            likeness = rouge_l(one, sentences[j])
            best[i], best[j] = max(best[i], likeness), max(best[j], likeness)
    return sum(best) / len(best)


def repeated_runs(sentences: Sequence[Sequence[str]]) -> float | None:
    """1 - distinct / all runs of three words; None where there is no such run."""
    runs: Counter[tuple[str, ...]] = Counter()
    for sentence in sentences:
        runs.update(n_grams(sentence, RUN_WORDS))
    return 1 - len(runs) / runs.total() if runs else None


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """F1 of the longest common subsequence of two lists of words; 0 when either is empty."""
    common = _common_subsequence(one, other)
    return 2 * common / (len(one) + len(other)) if common else 0.0


def _common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        corner = 0
        for j, theirs in enumerate(other, 1):
            above = row[j]
            row[j] = corner + 1 if word == theirs else max(above, row[j - 1])
            corner = above
    return row[-1]


def _sentences(item: Item) -> list[list[str]]:
    return [words(sentence.text) for sentence in item.article.sentences] if item.article else []
