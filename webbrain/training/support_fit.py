"""Fits the additive model of tier 1: logistic regression in which every weight keeps the sign of its feature.

Each set is centred first, so the model learns what tells pairs of one set apart and not one set from another: the share
of true claims, and how far claims are paraphrased, differ between sets and say nothing about a single claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Features of shape (pairs, features), the labels, and the weight of the whole set; both classes count alike.

    With `groups` each group is centred on its own: a planted error is then compared with its own original.
    """

    features: Floats
    supported: NDArray[np.bool_]
    weight: float = 1.0
    groups: NDArray[np.str_] | None = None


def fit_additive(sets: Sequence[TrainingSet], signs: Sequence[int]) -> tuple[Floats, float]:
    """(weights, intercept) of log-odds; the intercept puts the best cut of the sets, taken alike, at log-odds 0."""
    from scipy.optimize import minimize

    parts = [_centred(part) for part in sets]
    x = np.concatenate([part[0] for part in parts])
    truth = np.concatenate([part[1] for part in parts])
    share = np.concatenate([part[2] for part in parts])
    share /= share.sum()
    scale = x.std(axis=0) + 1e-6
    x /= scale
    side = np.where(truth, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = side * (x @ weights)
        slope = -x.T @ (share * side / (1 + np.exp(margin)))
        return float(share @ np.logaddexp(0, -margin) + RIDGE * weights @ weights), slope + 2 * RIDGE * weights

    bounds = [(0, None) if sign > 0 else (None, 0) for sign in signs]
    found = minimize(loss, np.zeros(x.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B")
    weights = found.x / scale
    return weights, _intercept(sets, weights)


def _centred(part: TrainingSet) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """(features less their group's mean, labels, weights of pairs); groups of one kind tell nothing and go."""
    if part.groups is None:
        features, truth = part.features - part.features.mean(axis=0), part.supported
    else:
        _, group = np.unique(part.groups, return_inverse=True)
        size = np.bincount(group)
        means = np.stack([np.bincount(group, column) / size for column in part.features.T], axis=1)
        true_share = (np.bincount(group, part.supported) / size)[group]
        mixed = (true_share > 0) & (true_share < 1)
        features, truth = (part.features - means[group])[mixed], part.supported[mixed]
    count = np.where(truth, truth.sum(), (~truth).sum())
    return features, truth, part.weight / count


def _intercept(sets: Sequence[TrainingSet], weights: Floats) -> float:
    """Minus the log-odds that best part true from false claims, every set and class counting alike."""
    odds = np.concatenate([part.features @ weights for part in sets])
    truth = np.concatenate([part.supported for part in sets])
    share = np.concatenate([part.weight / np.where(part.supported, part.supported.sum(), (~part.supported).sum())
                            for part in sets])  # fmt: skip
    order = np.argsort(odds)
    gain = np.cumsum(np.where(truth, -share, share)[order])
    best = int(gain.argmax())
    return -float(odds[order][best : best + 2].mean())
