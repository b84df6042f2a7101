"""A cut and a monotone calibration fitted on a user's own labels: ranks carry over to new text, thresholds do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from webbrain.errors import ConfigError

LEAST = 20  # labelled pairs, with at least LEAST_OF_A_KIND of either kind
LEAST_OF_A_KIND = 5
BINS = 10
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """`cut` on the raw score; `scores` to `probabilities` is a rising line through a few points, for the raw score.

    `balanced_accuracy` is that of the cut on the labels it was fitted on, so it flatters; `pairs` says on how many.
    """

    scorer: str
    cut: float
    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    pairs: int
    balanced_accuracy: float

    def probability(self, score: float) -> float:
        """Chance that a claim of this raw score is supported, in [0, 1]."""
        return float(np.interp(score, self.scores, self.probabilities))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def load_calibration(path: Path, scorer: str) -> Calibration:
    """Read what `save` wrote; raises ConfigError for another scorer's file or one that holds no calibration."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        found = Calibration(**{**held, "scores": tuple(held["scores"]), "probabilities": tuple(held["probabilities"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"{path} holds no calibration ({error}); run `webbrain evaluate calibrate --pairs F --output {path}`"
        ) from error
    if found.scorer != scorer:
        raise ConfigError(
            f"{path} was fitted for scorer {found.scorer!r}, not {scorer!r}; add --scorer {found.scorer} or fit it anew"
        )
    return found


def fit(scorer: str, scores: Sequence[float], labels: Sequence[bool]) -> Calibration:
    """The cut with the best balanced accuracy, and an isotonic calibration in at most BINS steps."""
    values, truth = np.asarray(scores, float), np.asarray(labels, bool)
    if len(truth) < LEAST or min(truth.sum(), (~truth).sum()) < LEAST_OF_A_KIND:
        raise ConfigError(
            f"{len(truth)} labelled pairs, {int(truth.sum())} of them supported, are too few to calibrate on; give "
            f"{LEAST} or more with at least {LEAST_OF_A_KIND} of either kind"
        )
    cut = best_cut(values, truth)
    points, chances = _isotonic(values, truth)
    return Calibration(scorer, cut, points, chances, len(truth), balanced_accuracy(values, truth, cut))


def best_cut(scores: Floats, truth: NDArray[np.bool_]) -> float:
    """The score from which on a claim counts as supported, half way between two neighbours, best balanced accuracy."""
    values = np.unique(scores)
    cuts = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2])
    return float(max(cuts, key=lambda cut: (balanced_accuracy(scores, truth, cut), -cut)))


def balanced_accuracy(scores: Floats, truth: NDArray[np.bool_], cut: float) -> float:
    """Mean of the shares of supported claims at or above the cut and of the others below it."""
    return float(((scores[truth] >= cut).mean() + (scores[~truth] < cut).mean()) / 2)


def calibration_error(probabilities: Floats, truth: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error over `bins` equal-width bins (Guo et al. 2017): 0 is perfect."""
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [
        abs(probabilities[place == bin_].mean() - truth[place == bin_].mean()) * (place == bin_).mean()
        for bin_ in range(bins)
        if (place == bin_).any()
    ]
    return float(sum(gaps))


def _isotonic(scores: Floats, truth: NDArray[np.bool_]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Pool adjacent violators over BINS equal-count bins; a smoothed share per block, so never exactly 0 or 1."""
    order = np.argsort(scores, kind="stable")
    blocks = [
        [scores[part].mean(), truth[part].sum() + 0.5, len(part) + 1.0]
        for part in np.array_split(order, min(BINS, len(order) // 5))
    ]
    merged: list[list[float]] = []
    for block in blocks:
        merged.append(block)
        while len(merged) > 1 and merged[-2][1] / merged[-2][2] >= merged[-1][1] / merged[-1][2]:
            last = merged.pop()
            size = merged[-1][2] + last[2]
            centre = (merged[-1][0] * merged[-1][2] + last[0] * last[2]) / size
            merged[-1] = [centre, merged[-1][1] + last[1], size]
    return tuple(float(block[0]) for block in merged), tuple(float(block[1] / block[2]) for block in merged)
