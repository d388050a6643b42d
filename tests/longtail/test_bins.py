"""Bins of frequency: worked values, zeros apart, empty bins empty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import InputError
from workbench.longtail.bins import ABSENT, WHY_BINNING_RAISES_R, ZERO, bin_classes, fit_bins
from workbench.longtail.fit import fit_classes


def test_decades_by_hand() -> None:
    counts = np.array([1.0, 9, 10, 99, 1000, 0, 0, np.nan])
    accuracy = np.array([10.0, 20, 30, 50, 80, 4, 6, 99])
    bins = bin_classes(counts, accuracy, edges=np.arange(5))
    assert bins.n.tolist() == [2, 2, 0, 1]
    assert bins.mean[[0, 1, 3]].tolist() == [15, 40, 80]
    assert np.isnan([bins.mean[2], bins.low[2], bins.high[2]]).all()
    assert bins.centre.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert (bins.zero.value, bins.zero.n) == (5, 2)
    assert bins.place.tolist() == [0, 0, 1, 1, 3, ZERO, ZERO, ABSENT]
    assert bins.low[0] == 10 and bins.high[0] == 20


def test_every_power_of_ten_begins_its_bin() -> None:
    counts = 10.0 ** np.arange(12)
    bins = bin_classes(counts, np.zeros(12), edges=np.arange(13))
    assert bins.place.tolist() == list(range(12))


def test_the_largest_count_is_in_the_last_bin() -> None:
    bins = bin_classes(np.array([3.0, 700, 51234]), np.array([1.0, 2, 3]), bins=7)
    assert bins.place[0] == 0 and bins.place[2] == 6 and bins.n.sum() == 3


def test_counts_that_grow_by_e_and_linear_accuracy_give_binned_r_1() -> None:
    counts = np.exp(np.arange(12))
    accuracy = 3 + 7 * np.arange(12.0)
    bins = bin_classes(counts, accuracy, bins=11, edges=np.linspace(0, 11, 12) / np.log(10))
    assert fit_bins(bins, accuracy).r.value == pytest.approx(1, abs=5e-3)
    half = bin_classes(counts, accuracy, bins=6)
    fit = fit_bins(half, accuracy)
    assert (fit.r.value, fit.rho) == pytest.approx((1, 1))
    assert fit.slope.value == pytest.approx(7 * np.log(10) * 12 / 11, rel=0.1)


def noisy(seed: int, n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = np.floor(10 ** rng.uniform(0, 5, n)) + 1
    return counts, 8 * np.log10(counts) + rng.normal(20, 30, n)


def test_binning_raises_r_but_hardly_the_slope() -> None:
    counts, accuracy = noisy(0, 3000)
    alone, bins = fit_classes(counts, accuracy), bin_classes(counts, accuracy)
    binned = fit_bins(bins, accuracy)
    assert alone.r.value < 0.5 and binned.r.value > 0.9
    assert binned.slope.value == pytest.approx(alone.slope.value, rel=0.15)
    assert binned.slope.low < 8 < binned.slope.high
    assert (binned.over, alone.over) == ("bins", "classes")
    assert "averaged away" in WHY_BINNING_RAISES_R


def test_the_binned_line_agrees_with_scipy() -> None:
    counts, accuracy = noisy(1)
    bins = bin_classes(counts, accuracy, bins=9)
    fit, line = fit_bins(bins, accuracy), stats.linregress(bins.centre, bins.mean)
    got = fit.r.value, fit.p, fit.slope.value, fit.intercept
    assert got == pytest.approx((line.rvalue, line.pvalue, line.slope, line.intercept))
    assert fit.n == 9 and fit.r.low <= fit.r.value <= fit.r.high


def test_an_empty_bin_does_not_move_the_others() -> None:
    counts, accuracy = np.array([1.0, 10, 1e5]), np.array([0.0, 10, 50])
    bins = bin_classes(counts, accuracy, edges=np.arange(7) - 0.5)
    fit = fit_bins(bins, accuracy)
    assert bins.n.tolist() == [1, 1, 0, 0, 0, 1]
    assert (fit.r.value, fit.slope.value, fit.intercept, fit.n) == pytest.approx((1, 10, 0, 3))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_bins_hold_every_class_once_and_scale_with_the_counts(seed: int, width: int) -> None:
    counts, accuracy = noisy(seed, 60)
    bins = bin_classes(counts, accuracy, bins=width)
    total = np.nansum(bins.mean * bins.n) / bins.n.sum()
    assert bins.n.sum() == 60 and total == pytest.approx(accuracy.mean())
    ten = bin_classes(counts * 10, accuracy, bins=width)
    assert ten.place.tolist() == bins.place.tolist()
    same = fit_bins(ten, accuracy, resamples=5).r.value
    assert same == pytest.approx(fit_bins(bins, accuracy, resamples=5).r.value, nan_ok=True)


def test_classes_outside_given_edges_go_to_the_nearest_bin() -> None:
    bins = bin_classes(np.array([1.0, 1e9]), np.array([1.0, 2]), edges=np.array([2.0, 3, 4]))
    assert bins.place.tolist() == [0, 1]


def test_one_frequency_or_none_still_has_bins() -> None:
    one = bin_classes(np.full(3, 5.0), np.arange(3.0), bins=4)
    assert one.n.sum() == 3 and np.isfinite(one.edges).all()
    none = bin_classes(np.array([np.nan, 0]), np.array([1.0, 2]), bins=3)
    fit = fit_bins(none, np.array([1.0, 2]))
    assert none.n.sum() == 0 and none.zero.n == 1
    assert np.isnan(fit.r.value) and (fit.n, fit.zeros, fit.absent) == (0, 1, 1)


def test_unusable_bins_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        bin_classes(np.ones(2), np.ones(2), bins=0)
    with pytest.raises(InputError, match="rising"):
        bin_classes(np.ones(2), np.ones(2), edges=np.array([1.0, 1.0]))
    bins = bin_classes(np.ones(2), np.ones(2))
    with pytest.raises(InputError, match="as the bins"):
        fit_bins(bins, np.ones(3))
