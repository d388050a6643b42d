from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.measures.interval import Measure, bootstrap, mean_measure, wilson


def test_wilson_s_own_example_and_its_ends():
    low, high = wilson(np.array([0, 10, 8]), np.array([10, 10, 10]))
    assert low[0] == pytest.approx(0) and high[0] == pytest.approx(0.2775, abs=1e-4)
    assert high[1] == pytest.approx(1) and low[1] == pytest.approx(0.7225, abs=1e-4)
    assert (low[2], high[2]) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_wilson_is_scipy_s():
    from scipy.stats import binomtest

    for k, n in ((0, 3), (2, 7), (50, 81)):
        want = binomtest(k, n).proportion_ci(0.95, method="wilson")
        low, high = wilson(np.array([k]), np.array([n]))
        assert (low[0], high[0]) == pytest.approx((want.low, want.high), abs=1e-9)


def test_wilson_without_images_is_unknown():
    assert np.isnan(wilson(np.array([0]), np.array([0]))).all()


def test_the_mean_of_right_answers_with_the_interval_of_the_normal_approximation():
    right = np.arange(1000) % 4 == 0
    found = mean_measure(right)
    half = 1.96 * math.sqrt(0.25 * 0.75 / 1000)
    assert (found.value, found.n) == (0.25, 1000)
    assert (found.low, found.high) == pytest.approx((0.25 - half, 0.25 + half), abs=4e-3)


def test_drawing_counts_is_drawing_images():
    right = (np.arange(300) % 3 == 0).astype(float)
    rng = np.random.default_rng(1)
    slow = [right[rng.integers(0, 300, 300)].mean() for _ in range(4000)]
    want = np.quantile(slow, [0.025, 0.975])
    assert bootstrap(right, resamples=4000) == pytest.approx(tuple(want), abs=6e-3)


def test_classes_are_resampled_within_themselves():
    values = np.array([1.0] * 50 + [0.0] * 50)
    strata = np.array([0] * 50 + [1] * 50)
    found = mean_measure(values, strata=strata)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_strata_count_alike_whatever_their_size():
    values, strata = np.array([1.0, 1.0, 1.0, 0.0]), np.array([0, 0, 0, 1])
    assert mean_measure(values, strata=strata).value == 0.5
    other = mean_measure(np.array([0.2, 0.4, 0.9]), strata=np.array([0, 0, 5]))
    assert other.value == pytest.approx(0.6) and other.low <= 0.6 <= other.high


def test_numbers_other_than_0_and_1_agree_with_a_slow_loop():
    rng = np.random.default_rng(2)
    values = rng.normal(size=200)
    slow = [values[rng.integers(0, 200, 200)].mean() for _ in range(3000)]
    want = np.quantile(slow, [0.025, 0.975])
    assert bootstrap(values, resamples=3000) == pytest.approx(tuple(want), abs=0.02)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).random(50)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)


def test_nothing_and_one():
    assert math.isnan(mean_measure(np.empty(0)).value) and mean_measure(np.empty(0)).n == 0
    assert mean_measure(np.array([True])) == Measure(1.0, 1.0, 1.0, 1)
