"""Best-k selection that all retrievers share: ties are broken by row, so a shorter list is a prefix of a longer one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from webbrain.store.index import Index
from webbrain.types import ScoredPassage


def top_rows(scores: NDArray[Any], k: int) -> NDArray[Any]:
    """Positions of the best `k` positive scores, best first, ties by position."""
    candidates = np.flatnonzero(scores > 0)  # few of many: partitioning them alone is much quicker
    if len(candidates) > k > 0:
        found = scores[candidates]
        candidates = candidates[found >= np.partition(found, len(found) - k)[len(found) - k]]
    return candidates[np.argsort(-scores[candidates], kind="stable")][: max(k, 0)]


def order(scored: Mapping[int, float] | Iterable[tuple[int, float]], k: int) -> list[tuple[int, float]]:
    """The best `k` (row, score) pairs, best first, ties by row."""
    pairs = scored.items() if isinstance(scored, Mapping) else scored
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]


def hits(index: Index, pairs: Iterable[tuple[int, float]], source: str) -> list[ScoredPassage]:
    """Look the passages of a ranking up."""
    return [
        ScoredPassage(index.passage(row), float(score), rank, source, row)
        for rank, (row, score) in enumerate(pairs, start=1)
    ]


def best_passage_per_document(ranking: Iterable[ScoredPassage]) -> list[ScoredPassage]:
    """A ranking of documents: each counts once, at its best passage."""
    best: dict[str, ScoredPassage] = {}
    for hit in ranking:
        best.setdefault(hit.passage.doc_id, hit)
    return list(best.values())
