"""How many times more captions: worked values, and lines that promise nothing."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.longtail.fit import fit_classes
from workbench.longtail.needed import CAUTION, times_more


def test_ten_points_on_a_slope_of_five_take_a_hundred_times() -> None:
    fit = fit_classes(np.array([1.0, 10, 100, 1000]), np.array([5.0, 10, 15, 20]))
    need = times_more(fit)
    assert (need.value, need.low, need.high) == pytest.approx((100, 100, 100)) and need.n == 4
    assert times_more(fit, gain=5).value == pytest.approx(10)
    assert fit.at(np.array([100.0]))[0] - fit.at(np.array([1.0]))[0] == pytest.approx(10)
    assert "not as a promise" in CAUTION


def test_a_line_that_falls_or_is_level_needs_infinitely_many() -> None:
    counts = np.array([1.0, 10, 100])
    assert times_more(fit_classes(counts, np.array([30.0, 20, 10]))).value == np.inf
    need = times_more(fit_classes(counts, np.full(3, 40.0)))
    assert need.value == np.inf and need.high == np.inf


def test_an_uncertain_slope_has_no_upper_end() -> None:
    rng = np.random.default_rng(1)
    counts = np.floor(10 ** rng.uniform(0, 4, 40)) + 1
    need = times_more(fit_classes(counts, 1.5 * np.log10(counts) + rng.normal(40, 15, 40)))
    assert 1 < need.low < np.inf and need.high == np.inf


def test_without_a_slope_there_is_no_figure() -> None:
    need = times_more(fit_classes(np.full(3, 9.0), np.array([1.0, 2, 3])))
    assert np.isnan([need.value, need.low, need.high]).all()


def test_a_tiny_slope_does_not_overflow() -> None:
    fit = fit_classes(np.array([1.0, 10, 100]), np.array([50, 50.00001, 50.00002]))
    assert times_more(fit).value == np.inf


def test_a_gain_of_nothing_is_refused() -> None:
    fit = fit_classes(np.array([1.0, 10, 100]), np.array([1.0, 2, 3]))
    with pytest.raises(InputError, match="above 0"):
        times_more(fit, gain=0)
