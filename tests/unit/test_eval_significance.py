"""Intervals and tests against scipy, against hand-computed cases, and for what they promise about seeds and None."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from eval.significance import bootstrap_interval, compare_pairs, holm, paired_randomisation

scipy_stats = pytest.importorskip("scipy.stats")


def _values(seed: int, n: int) -> list[float]:
    return list(np.random.default_rng(seed).beta(2, 5, n))


@pytest.mark.parametrize("n", [8, 40, 300])
def test_interval_agrees_with_scipy(n: int) -> None:
    values = _values(n, n)
    ours = bootstrap_interval(values, resamples=40_000)
    theirs = scipy_stats.bootstrap((values,), np.mean, n_resamples=40_000, method="BCa", random_state=1)
    assert ours is not None
    width = ours.high - ours.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.03 * width)


def test_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(200):
        found = bootstrap_interval(_values(seed, 30), resamples=1000)
        assert found is not None
        hits += found.low <= 2 / 7 <= found.high
    assert 0.89 <= hits / 200 <= 0.99


def test_clusters_are_drawn_whole() -> None:
    """Ten copies of each value add no information: the interval must be as wide as without the copies."""
    values = _values(3, 20)
    single = bootstrap_interval(values)
    copied = bootstrap_interval([v for v in values for _ in range(10)], [c for c in range(20) for _ in range(10)])
    naive = bootstrap_interval([v for v in values for _ in range(10)])
    assert single is not None
    assert copied is not None
    assert naive is not None
    assert (copied.low, copied.high) == pytest.approx((single.low, single.high))
    assert naive.high - naive.low < 0.5 * (copied.high - copied.low)


def test_unequal_clusters_keep_the_mean_of_values_not_of_clusters() -> None:
    found = bootstrap_interval([1.0] * 9 + [0.0] + [1.0] * 9 + [0.0], ["a"] * 10 + ["b"] * 10)
    assert found is not None
    assert found.low == found.high == pytest.approx(0.9)


def test_interval_needs_two_units_and_stands_still_without_spread() -> None:
    assert bootstrap_interval([]) is None
    assert bootstrap_interval([0.3]) is None
    assert bootstrap_interval([0.3, 0.5], ["same", "same"]) is None
    constant = bootstrap_interval([0.3] * 5)
    assert constant is not None
    assert constant.low == pytest.approx(0.3)
    assert constant.high == pytest.approx(0.3)


def test_same_seed_same_interval_and_it_is_recorded() -> None:
    values = _values(1, 25)
    assert bootstrap_interval(values, seed=5) == bootstrap_interval(values, seed=5)
    assert bootstrap_interval(values, seed=5) != bootstrap_interval(values, seed=6)
    found = bootstrap_interval(values, seed=5)
    assert found is not None
    assert (found.seed, found.n, found.level) == (5, 25, 0.95)


def test_randomisation_by_hand() -> None:
    """Differences 1, 2, 3: of eight sign patterns only +++ and --- reach a sum of 6."""
    assert paired_randomisation([0, 0, 0], [1, 2, 3]) == pytest.approx(2 / 8)
    assert paired_randomisation([0, 0, 0], [1, 2, -3]) == 1.0
    assert paired_randomisation([1, 2], [1, 2]) == 1.0
    assert paired_randomisation([0, 5, 0, 0], [1, 5, 2, 3]) == pytest.approx(2 / 8)  # equal pairs change nothing


@pytest.mark.parametrize("n", [5, 9, 12])
def test_exact_randomisation_equals_full_enumeration(n: int) -> None:
    a, b = _values(n, n), _values(n + 100, n)
    d = np.subtract(b, a)
    sums = [abs(np.dot(signs, d)) for signs in itertools.product((1, -1), repeat=n)]
    expected = np.mean([total >= abs(d.sum()) - 1e-12 for total in sums])
    assert paired_randomisation(a, b) == pytest.approx(expected)


def test_sampled_randomisation_agrees_with_scipy() -> None:
    a = _values(1, 60)
    b = [value + shift for value, shift in zip(a, np.random.default_rng(2).normal(0.02, 0.08, 60), strict=True)]
    theirs = scipy_stats.permutation_test(
        (b, a), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", n_resamples=50_000, rng=1
    )
    assert paired_randomisation(a, b, resamples=50_000) == pytest.approx(theirs.pvalue, abs=0.01)


def test_p_is_never_zero_and_large_n_fits_in_memory() -> None:
    a = np.zeros(20_000)
    assert 0 < paired_randomisation(list(a), list(a + 0.1), resamples=200) <= 1 / 201


def test_p_values_are_uniform_when_nothing_differs() -> None:
    rng = np.random.default_rng(0)
    p = [paired_randomisation(list(rng.random(15)), list(rng.random(15)), resamples=500) for _ in range(300)]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.06)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_holm_leaves_out_what_was_not_tested() -> None:
    assert holm([None, 0.02, None]) == [None, 0.02, None]


def test_pairs_with_none_or_without_partner_are_excluded_and_counted() -> None:
    a = {"1": 0.1, "2": None, "3": 0.3, "4": 0.4, "6": 0.5}
    b = {"1": 0.2, "2": 0.9, "3": 0.2, "5": 0.5, "6": 0.5}
    found = compare_pairs(a, b)
    assert (found.n, found.excluded, found.wins, found.losses, found.ties) == (3, 3, 1, 1, 1)
    assert found.mean == pytest.approx(0.0)


def test_nothing_to_compare_is_none_not_zero() -> None:
    found = compare_pairs({"1": None}, {"1": 0.4})
    assert (found.mean, found.p, found.interval, found.n, found.excluded) == (None, None, None, 0, 1)
