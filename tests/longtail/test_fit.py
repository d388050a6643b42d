"""The per-class line: worked values, scipy as oracle, and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import InputError
from workbench.longtail.fit import correlation_p, fit_classes, ranks


def world(seed: int = 0, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = np.floor(10 ** rng.uniform(0, 5, n)) + 1
    return counts, np.clip(10 * np.log10(counts) + rng.normal(20, 12, n), 0, 100)


def test_a_perfect_line_is_found() -> None:
    counts = np.array([1.0, 10, 100, 1000])
    fit = fit_classes(counts, np.array([5.0, 12, 19, 26]))
    assert fit.r.value == pytest.approx(1)
    assert (fit.slope.value, fit.intercept, fit.rho) == pytest.approx((7, 5, 1))
    assert fit.at(np.array([1e4])) == pytest.approx(33)
    assert fit.p == pytest.approx(0, abs=1e-6)


def test_it_agrees_with_scipy() -> None:
    counts, accuracy = world()
    fit = fit_classes(counts, accuracy)
    line = stats.linregress(np.log10(counts), accuracy)
    assert (fit.slope.value, fit.intercept) == pytest.approx((line.slope, line.intercept))
    assert (fit.r.value, fit.p) == pytest.approx((line.rvalue, line.pvalue))
    rank = stats.spearmanr(counts, accuracy)
    assert (fit.rho, fit.rho_p) == pytest.approx((rank.statistic, rank.pvalue))


def test_the_interval_is_near_the_one_of_theory() -> None:
    counts, accuracy = world(n=2000)
    fit = fit_classes(counts, accuracy, resamples=2000)
    line = stats.linregress(np.log10(counts), accuracy)
    half = 1.96 * line.stderr
    assert fit.slope.low == pytest.approx(line.slope - half, abs=0.15 * half)
    assert fit.slope.high == pytest.approx(line.slope + half, abs=0.15 * half)
    z, width = np.arctanh(line.rvalue), 1.96 / np.sqrt(len(counts) - 3)
    assert fit.r.low == pytest.approx(np.tanh(z - width), abs=0.01)
    assert fit.r.high == pytest.approx(np.tanh(z + width), abs=0.01)


def test_weights_repeat_a_class() -> None:
    counts, accuracy = world(n=30)
    images = np.arange(1, 31)
    weighted = fit_classes(counts, accuracy, images=images)
    repeated = fit_classes(np.repeat(counts, images), np.repeat(accuracy, images))
    assert weighted.r.value == pytest.approx(repeated.r.value)
    assert weighted.slope.value == pytest.approx(repeated.slope.value)
    assert weighted.intercept == pytest.approx(repeated.intercept)
    even = fit_classes(counts, accuracy, images=np.full(30, 7))
    assert even.p == pytest.approx(fit_classes(counts, accuracy).p)


def test_zeros_and_absent_classes_are_counted_apart() -> None:
    counts = np.array([0.0, 1, 10, 100, np.nan, 0, 1000, 50])
    accuracy = np.array([90.0, 5, 12, 19, 50, 95, 26, np.nan])
    fit = fit_classes(counts, accuracy)
    assert (fit.n, fit.zeros, fit.absent) == (4, 2, 2)
    assert fit.r.value == pytest.approx(1)


def test_where_nothing_varies_there_is_no_r() -> None:
    level = fit_classes(np.array([1.0, 10, 100]), np.full(3, 42.1))
    assert np.isnan(level.r.value) and np.isnan(level.p) and np.isnan(level.rho)
    assert level.slope.value == pytest.approx(0, abs=1e-12)
    same = fit_classes(np.full(3, 7.0), np.array([1.0, 2, 3]))
    assert np.isnan([same.r.value, same.slope.value, same.intercept, same.slope.low]).all()
    none = fit_classes(np.array([np.nan]), np.array([1.0]))
    assert none.n == 0 and np.isnan(none.r.value) and np.isnan(none.r.low)
    assert np.isnan(fit_classes(np.array([1.0, 2]), np.array([1.0, 2])).p)


def test_same_seed_same_interval_and_inputs_stay() -> None:
    counts, accuracy = world()
    before = counts.copy(), accuracy.copy()
    first, again = fit_classes(counts, accuracy, seed=3), fit_classes(counts, accuracy, seed=3)
    assert first == again
    assert first.slope != fit_classes(counts, accuracy, seed=4).slope
    assert np.array_equal(before[0], counts) and np.array_equal(before[1], accuracy)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([10, 1000, 0.5]))
def test_counts_times_ten_leave_r_and_slope(seed: int, times: float) -> None:
    counts, accuracy = world(seed, 40)
    one = fit_classes(counts, accuracy, resamples=20)
    ten = fit_classes(counts * times, accuracy, resamples=20)
    assert ten.r.value == pytest.approx(one.r.value, abs=1e-9)
    assert ten.slope.value == pytest.approx(one.slope.value)
    assert (ten.r.low, ten.slope.high) == pytest.approx((one.r.low, one.slope.high))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_the_order_of_classes_is_irrelevant(seed: int) -> None:
    counts, accuracy = world(seed, 40)
    order = np.random.default_rng(seed).permutation(40)
    one = fit_classes(counts, accuracy, resamples=1)
    other = fit_classes(counts[order], accuracy[order], resamples=1)
    assert (other.r.value, other.rho, other.p) == pytest.approx((one.r.value, one.rho, one.p))


def test_shuffled_accuracy_has_no_trend() -> None:
    counts, accuracy = world(n=2000)
    shuffled = np.random.default_rng(1).permutation(accuracy)
    assert abs(fit_classes(counts, shuffled).r.value) < 0.07


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_ranks_are_those_of_scipy(values: list[int]) -> None:
    assert ranks(np.array(values)) == pytest.approx(stats.rankdata(values))


def test_p_is_nan_where_points_are_too_few() -> None:
    assert np.isnan(correlation_p(0.5, 2)) and np.isnan(correlation_p(0.5, 4, controls=2))
    assert correlation_p(1.0, 5) == 0
    assert correlation_p(0.5, 12) == pytest.approx(2 * stats.t.sf(0.5 * np.sqrt(10 / 0.75), 10))


@pytest.mark.parametrize(
    ("counts", "accuracy", "images"),
    [([1, 2], [1], None), ([-1, 2], [1, 2], None), ([1, 2], [1, 2], [0, 1]), ([1], [1], [1, 2])],
)
def test_unusable_rows_are_refused(counts: list, accuracy: list, images: list | None) -> None:
    weights = None if images is None else np.array(images)
    with pytest.raises(InputError, match="expected"):
        fit_classes(np.array(counts), np.array(accuracy), images=weights)
