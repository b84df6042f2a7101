"""Fits the two additive parts of tier 1: logistic regression in which every weight keeps the sign of its feature.

Each set is centred first, so a part learns what tells pairs of one set apart and not one set from another: the share
of true claims, and how far claims are paraphrased, differ between sets and say nothing about a single claim. The
coverage part is fitted on people's judgements and drawn towards equal weights, because seven small sets are few; the
binding part is fitted on planted errors, each held against its own original.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from webbrain.grounding.features import CLAIM_FEATURES, CLAIM_SIGNS
from webbrain.grounding.tier1 import FEATURES, SIGNS, Additive, Model

Floats = NDArray[np.float64]
# The unsupervised sum that does well on every set: what the coverage part is drawn to, in standard deviations.
EQUAL = {
    "bigrams": 1.0, "window_coverage": 1.0, "similarity": 1.0, "order": 1.0, "missing_numbers": -1.0,
    "missing_names": -1.0, "negation_added": -0.6, "negation_dropped": -0.6, "topic": 2.0,
}  # fmt: skip
EQUAL_SIZE = 0.25
COVERAGE_RIDGE, BINDING_RIDGE = 1.0, 1e-3
BINDING_SCALE, BINDING_OFFSET = 0.5, 1.0  # how soon a wrong word outweighs coverage
FLAGGED = 0.01  # share of certainly true planted pairs that the cut may flag
MARGIN = 0.42  # log-odds below that: people's rewordings go further than planted ones (the hand-written controls)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Features of shape (pairs, len(FEATURES)) and labels; with `groups` each group is centred on its own.

    `certain` says which planted pairs are surely what their label says: `support_pairs.Pair.certain`.
    """

    features: Floats
    supported: NDArray[np.bool_]
    groups: NDArray[np.str_] | None = None
    certain: NDArray[np.bool_] | None = None


def fit_model(judged: Sequence[TrainingSet], planted: TrainingSet) -> Model:
    """The model whose cut, log-odds 0, lets all but FLAGGED of the certainly true planted pairs through, and MARGIN."""
    width = len(CLAIM_FEATURES)
    prior = np.array([EQUAL_SIZE * EQUAL.get(name, 0.0) for name in CLAIM_FEATURES])
    claims = [TrainingSet(part.features[:, :width], part.supported) for part in judged]
    coverage = fit_additive(claims, CLAIM_SIGNS, prior, COVERAGE_RIDGE)
    middle = float(np.mean([np.median(part.features @ coverage) for part in claims]))
    certain = np.ones(len(planted.supported), bool) if planted.certain is None else planted.certain
    words = TrainingSet(planted.features[:, width:], planted.supported, planted.groups)
    none = np.zeros(len(FEATURES) - width)
    binding = BINDING_SCALE * fit_additive([words], SIGNS[width:], none, BINDING_RIDGE)
    model = Model(
        Additive(_padded(coverage, 0), -middle),
        Additive(_padded(binding, width), BINDING_OFFSET - _level(binding, words, certain)),
    )
    true = np.array([model.log_odds(row) for row in planted.features[planted.supported & certain]])
    return model.shifted(MARGIN - float(np.quantile(true, FLAGGED)))


def _padded(weights: Floats, start: int) -> NDArray[np.float32]:
    full = np.zeros(len(FEATURES), np.float32)
    full[start : start + len(weights)] = weights
    return full


def _level(weights: Floats, part: TrainingSet, certain: NDArray[np.bool_]) -> float:
    """Half way between the mean log-odds of certainly true and of false pairs."""
    odds = part.features @ weights
    return float(odds[part.supported & certain].mean() + odds[~part.supported & certain].mean()) / 2


def fit_additive(sets: Sequence[TrainingSet], signs: Sequence[int], prior: Floats, ridge: float) -> Floats:
    """Weights on the features as they are; `prior` in standard deviations. Sets and classes weigh alike."""
    from scipy.optimize import minimize

    parts = [_centred(part) for part in sets]
    scale = np.sqrt(np.mean([x.std(axis=0) ** 2 for x, _, _ in parts], axis=0)) + 1e-6
    x = np.concatenate([part[0] for part in parts]) / scale
    side = np.where(np.concatenate([part[1] for part in parts]), 1.0, -1.0)
    share = np.concatenate([part[2] for part in parts])
    share /= share.sum()

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = side * (x @ weights)
        slope = -x.T @ (share * side / (1 + np.exp(margin)))
        apart = weights - prior
        return float(share @ np.logaddexp(0, -margin) + ridge * apart @ apart), slope + 2 * ridge * apart

    bounds = [(0, None) if sign > 0 else (None, 0) for sign in signs]
    return np.asarray(minimize(loss, prior, jac=True, bounds=bounds, method="L-BFGS-B").x / scale)


def _centred(part: TrainingSet) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """(features less their group's mean, labels, weights of pairs); groups of one kind tell nothing and go."""
    features, truth = part.features, part.supported
    if part.groups is None:
        features = features - features.mean(axis=0)
    else:
        _, group = np.unique(part.groups, return_inverse=True)
        size = np.bincount(group)
        means = np.stack([np.bincount(group, column) / size for column in features.T], axis=1)
        true_share = (np.bincount(group, truth) / size)[group]
        mixed = (true_share > 0) & (true_share < 1)
        features, truth = (features - means[group])[mixed], truth[mixed]
    return features, truth, 1 / np.where(truth, truth.sum(), (~truth).sum())
