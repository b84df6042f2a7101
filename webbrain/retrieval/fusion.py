"""Merging rankings. Neither method depends on the order in which the rankings are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from webbrain.retrieval.ranking import order


@dataclass(frozen=True, slots=True)
class ReciprocalRank:
    """Sum over rankings of 1 / (k + rank) (Cormack, Clarke and Buettcher, SIGIR 2009)."""

    k: int = 60

    def fuse(self, rankings: Sequence[Mapping[int, float]]) -> dict[int, float]:
        parts: dict[int, list[float]] = {}
        for ranking in rankings:
            for rank, (row, _) in enumerate(order(ranking, len(ranking)), start=1):
                parts.setdefault(row, []).append(1 / (self.k + rank))
        return {row: fsum(values) for row, values in parts.items()}


@dataclass(frozen=True, slots=True)
class ScoreSum:
    """Mean of scores scaled to [0, 1] per ranking; a passage that a ranking lacks has its lowest score there.

    The convex combination of Bruch, Gai and Ingber (TOIS 2023), with min-max scaling and equal weights.
    """

    def fuse(self, rankings: Sequence[Mapping[int, float]]) -> dict[int, float]:
        scaled = [scale(ranking) for ranking in rankings if ranking]
        rows = {row for ranking in scaled for row in ranking}
        return {row: fsum(ranking.get(row, 0.0) for ranking in scaled) / max(len(rankings), 1) for row in rows}


def scale(ranking: Mapping[int, float]) -> dict[int, float]:
    """Scores from 0 for the lowest to 1 for the highest; 1 where all are equal."""
    low, high = min(ranking.values()), max(ranking.values())
    width = high - low
    return {row: (score - low) / width if width > 0 else 1.0 for row, score in ranking.items()}
