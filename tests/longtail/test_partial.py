"""The partial effect: textbook formulas, least squares by hand, and built worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.longtail.fit import fit_classes
from workbench.longtail.partial import name_lengths, nearest_name, partial


def world(seed: int = 0, n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Long names are rare and hard: frequency alone looks stronger than it is."""
    rng = np.random.default_rng(seed)
    words, depth = rng.integers(1, 6, n).astype(float), rng.normal(8, 2, n)
    counts = np.floor(10 ** (5 - 0.8 * words + rng.normal(0, 0.6, n))) + 1
    accuracy = 3 * np.log10(counts) - 6 * words + 0.5 * depth + rng.normal(60, 5, n)
    return counts, accuracy, words, depth


def by_residuals(x: np.ndarray, y: np.ndarray, *z: np.ndarray) -> tuple[float, float]:
    """Partial r and slope as the textbooks say: correlate what the covariates leave over."""
    design = np.stack([np.ones_like(x), *z], axis=1)
    left = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (x, y)]
    slope = np.linalg.lstsq(np.column_stack([design, x]), y, rcond=None)[0][-1]
    return float(np.corrcoef(*left)[0, 1]), float(slope)


def test_one_covariate_by_the_formula_of_three_correlations() -> None:
    counts, accuracy, words, _ = world()
    c = np.corrcoef([np.log10(counts), accuracy, words])
    expected = (c[0, 1] - c[0, 2] * c[1, 2]) / np.sqrt((1 - c[0, 2] ** 2) * (1 - c[1, 2] ** 2))
    found = partial(counts, accuracy, {"words": words}, resamples=10)
    assert found.r.value == pytest.approx(expected)
    assert found.shared["words"] == pytest.approx(c[0, 2])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 9999))
def test_two_covariates_by_residuals(seed: int) -> None:
    counts, accuracy, words, depth = world(seed, 60)
    found = partial(counts, accuracy, {"w": words, "d": depth * 1e6 + 1e9}, resamples=3)
    r, slope = by_residuals(np.log10(counts), accuracy, words, depth)
    assert (found.r.value, found.slope.value) == pytest.approx((r, slope), rel=1e-6)
    design = np.column_stack([np.ones(60), np.log10(counts), words, depth])
    weights = np.linalg.lstsq(design, accuracy, rcond=None)[0]
    assert found.effects["w"] == pytest.approx(weights[2] * words.std())
    assert found.effects["d"] == pytest.approx(weights[3] * depth.std(), rel=1e-5)


def test_it_finds_the_slope_that_was_built_in() -> None:
    counts, accuracy, words, depth = world(n=2000)
    found = partial(counts, accuracy, {"words": words, "depth": depth})
    assert found.slope.low < 3 < found.slope.high and found.slope.high - found.slope.low < 2
    assert found.slope_alone > 8 and found.r_alone > found.r.value + 0.3
    assert found.p < 1e-6 and (found.n, found.zeros, found.absent) == (2000, 0, 0)
    alone = fit_classes(counts, accuracy, resamples=2)
    assert (found.r_alone, found.slope_alone) == pytest.approx((alone.r.value, alone.slope.value))


def test_its_p_is_that_of_the_regression() -> None:
    from scipy import stats

    counts, accuracy, words, depth = world(3, 40)
    found = partial(counts, accuracy, {"w": words, "d": depth}, resamples=2)
    design = np.column_stack([np.ones(40), np.log10(counts), words, depth])
    weights, residual, *_ = np.linalg.lstsq(design, accuracy, rcond=None)
    error = np.sqrt(residual[0] / 36 * np.linalg.inv(design.T @ design)[1, 1])
    assert found.p == pytest.approx(2 * stats.t.sf(abs(weights[1] / error), 36))


def test_what_does_not_vary_controls_for_nothing() -> None:
    counts, accuracy, words, _ = world()
    found = partial(counts, accuracy, {"words": words, "one": np.full(300, 0.1)}, resamples=5)
    alone = partial(counts, accuracy, {"words": words}, resamples=5)
    assert found.constant == ("one",) and np.isnan(found.effects["one"])
    assert (found.r, found.p) == (alone.r, alone.p)
    only = partial(counts, accuracy, {"one": np.ones(300)}, resamples=5)
    assert only.r.value == pytest.approx(only.r_alone)


def test_frequency_itself_as_a_covariate_leaves_nothing() -> None:
    counts, accuracy, *_ = world()
    found = partial(counts, accuracy, {"same": 2 * np.log10(counts) - 7})
    assert np.isnan([found.r.value, found.p, found.slope.value, found.r.low]).all()
    assert found.shared["same"] == pytest.approx(1)
    told = partial(counts, accuracy, {"told": accuracy})
    assert np.isnan(told.r.value) and told.slope.value == pytest.approx(0, abs=1e-9)


def test_zeros_and_unknown_covariates_are_counted() -> None:
    counts, accuracy, words, _ = world(n=50)
    counts[:3], accuracy[3], words[4:6] = 0, np.nan, np.nan
    found = partial(counts, accuracy, {"words": words}, resamples=5)
    assert (found.n, found.zeros, found.absent) == (44, 3, 3)
    none = partial(np.zeros(3), np.ones(3), {"w": np.arange(3.0)}, resamples=5)
    assert (none.n, none.zeros) == (0, 3) and np.isnan([none.r.value, none.slope.value]).all()


def test_counts_times_ten_change_nothing() -> None:
    counts, accuracy, words, _ = world()
    one = partial(counts, accuracy, {"words": words}, resamples=20)
    ten = partial(counts * 10, accuracy, {"words": words}, resamples=20)
    assert (ten.r.value, ten.r.low) == pytest.approx((one.r.value, one.r.low))


def test_unusable_covariates_are_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        partial(np.ones(3), np.ones(3), {})
    with pytest.raises(InputError, match=r"'w'.*each of 3 classes"):
        partial(np.ones(3), np.ones(3), {"w": np.ones(2)})


def test_names_are_measured_in_words_and_in_likeness() -> None:
    assert name_lengths(["great grey owl", "T-shirt", "Barn_Owl", "cat"]).tolist() == [3, 2, 2, 1]
    texts = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], dtype=np.float32)
    assert nearest_name(texts) == pytest.approx([0.6, 0.8, 0.8, 0])
    assert np.isnan(nearest_name(texts[:1])).all() and nearest_name(texts[:0]).shape == (0,)
    many = np.random.default_rng(0).normal(size=(2100, 4)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    sim = many @ many.T - 9 * np.eye(2100)
    assert nearest_name(many) == pytest.approx(sim.max(axis=1), abs=1e-6)
    with pytest.raises(InputError, match="unit length"):
        nearest_name(texts * 2)
