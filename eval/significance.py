"""How sure a mean or a difference is: bootstrap intervals, the paired randomisation test, Holm's correction.

Everything is seeded and the seed is part of the result, so a number can be had again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 20231212
RESAMPLES = 10_000
LEVEL = 0.95
_CELLS = 1_000_000  # drawn at a time, so that memory does not grow with the number of queries
_TOLERANCE = 1e-9  # two sums this close (relatively) are a tie, as rounding makes equal sums differ


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a mean over `n` units (queries, or clusters of them)."""

    low: float
    high: float
    level: float
    n: int
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Difference:
    """`b` against `a` over the `n` queries that both score; `excluded` queries are None in either or absent from one.

    `mean` is mean(b) - mean(a); `wins` counts queries where b is higher. `p` is two-sided; None where no query differs:
    there is nothing to test then, and no correction is to be paid for it.
    """

    mean: float | None
    interval: Interval | None
    p: float | None
    n: int
    excluded: int
    wins: int
    losses: int
    ties: int


def bootstrap_interval(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987) of the mean of `values`.

    Where `clusters` names the document (or query) each value comes from, whole clusters are drawn, since values of one
    document are not independent. None for fewer than two units: one value says nothing about its spread.
    """
    sums, sizes = _by_cluster(np.asarray(values, np.float64), clusters)
    n = len(sums)
    if n < 2:
        return None
    mean = float(sums.sum() / sizes.sum())
    means = np.concatenate(list(_resampled_means(sums, sizes, resamples, seed)))
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    low, high = np.quantile(means, _bca_quantiles(means, mean, left_out, level))
    return Interval(float(low), float(high), level, n, resamples, seed)


def paired_randomisation(
    a: Sequence[float], b: Sequence[float], *, resamples: int = RESAMPLES, seed: int = SEED
) -> float:
    """Two-sided p value of the paired randomisation test on the mean difference (Smucker, Allan and Carterette 2007).

    Exact where all sign patterns of the non-zero differences number at most `resamples`; else that many are drawn and
    the observed one is counted with them, so p is never 0. 1.0 when nothing differs.
    """
    differences = np.asarray(b, np.float64) - np.asarray(a, np.float64)
    differences = differences[differences != 0]
    n = len(differences)
    if n == 0:
        return 1.0
    observed = abs(differences.sum())
    least = observed - _TOLERANCE * np.abs(differences).sum()
    if 2**n <= resamples:
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ differences) >= least))
    rng = np.random.default_rng(seed)
    extreme = 0
    for rows in _chunks(resamples, n):
        signs = 1 - 2 * rng.integers(0, 2, (rows, n), np.int8)
        extreme += int(np.sum(np.abs(signs @ differences) >= least))
    return (extreme + 1) / (resamples + 1)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) step-down adjusted p values, in the order given; None (no test made) stays None."""
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(tested):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        adjusted[place] = highest
    return adjusted


def compare_pairs(
    a: Mapping[str, float | None], b: Mapping[str, float | None], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Difference:
    """The paired comparison of two runs' scores per query id, over the queries that both score."""
    pairs = [(a[query], b[query]) for query in a if query in b]
    both = [(x, y) for x, y in pairs if x is not None and y is not None]
    excluded = len({*a, *b}) - len(both)
    if not both:
        return Difference(None, None, None, 0, excluded, 0, 0, 0)
    first, second = zip(*both, strict=True)
    differences = [y - x for x, y in both]
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    return Difference(
        mean=float(np.mean(differences)),
        interval=bootstrap_interval(differences, resamples=resamples, seed=seed),
        p=paired_randomisation(first, second, resamples=resamples, seed=seed) if wins or losses else None,
        n=len(both),
        excluded=excluded,
        wins=wins,
        losses=losses,
        ties=len(both) - wins - losses,
    )


def _by_cluster(values: Floats, clusters: Sequence[Hashable] | None) -> tuple[Floats, Floats]:
    """Sum and number of the values of each cluster; without clusters every value is its own."""
    if clusters is None:
        return values, np.ones(len(values))
    if len(clusters) != len(values):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster names")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    places = np.array([numbers[name] for name in clusters], np.intp)
    return np.bincount(places, values).astype(np.float64), np.bincount(places).astype(np.float64)


def _resampled_means(sums: Floats, sizes: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    for rows in _chunks(resamples, len(sums)):
        drawn = rng.integers(0, len(sums), (rows, len(sums)))
        yield sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)


def _bca_quantiles(means: Floats, mean: float, left_out: Floats, level: float) -> list[float]:
    """Which quantiles of the resampled means bound the interval; plain percentiles where the values do not vary."""
    normal = NormalDist()
    below = (np.sum(means < mean) + np.sum(means <= mean)) / (2 * len(means))
    deviations = left_out.mean() - left_out
    spread = float(np.sum(deviations**2) ** 1.5)
    if spread == 0 or not 0 < below < 1:
        return [(1 - level) / 2, (1 + level) / 2]
    bias = normal.inv_cdf(float(below))
    acceleration = float(np.sum(deviations**3)) / (6 * spread)
    tails = [bias + normal.inv_cdf(tail) for tail in ((1 - level) / 2, (1 + level) / 2)]
    return [normal.cdf(bias + tail / (1 - acceleration * tail)) for tail in tails]


def _chunks(rows: int, columns: int) -> Iterator[int]:
    """Sizes that add up to `rows`, each of at most _CELLS cells."""
    step = max(1, _CELLS // max(columns, 1))
    for begin in range(0, rows, step):
        yield min(step, rows - begin)
