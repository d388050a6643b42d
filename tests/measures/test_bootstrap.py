from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.measures.bootstrap import grouped_mean_intervals


def test_the_interval_of_independent_rows_is_the_normal_one() -> None:
    rng = np.random.default_rng(0)
    values = (rng.random((2000, 1)) < 0.3).astype(float)
    ((low, high),) = grouped_mean_intervals(values, np.arange(2000), resamples=4000)
    error = 1.96 * values.std() / np.sqrt(2000)
    assert low == pytest.approx(values.mean() - error, abs=0.1 * error)
    assert high == pytest.approx(values.mean() + error, abs=0.1 * error)


def test_rows_that_go_together_widen_it_by_the_root_of_their_number() -> None:
    rng = np.random.default_rng(1)
    each = (rng.random((500, 1)) < 0.5).astype(float)
    five = np.repeat(each, 5, axis=0)
    apart = np.ptp(grouped_mean_intervals(five, np.arange(2500)))
    together = np.ptp(grouped_mean_intervals(five, np.repeat(np.arange(500), 5)))
    assert together / apart == pytest.approx(np.sqrt(5), rel=0.1)


def test_the_seed_decides_and_columns_are_apart() -> None:
    values = np.random.default_rng(2).random((40, 3))
    groups = np.arange(40) // 2
    first = grouped_mean_intervals(values, groups, seed=5)
    assert np.array_equal(first, grouped_mean_intervals(values, groups, seed=5))
    assert not np.array_equal(first, grouped_mean_intervals(values, groups, seed=6))
    assert np.allclose(first[1:2], grouped_mean_intervals(values[:, 1:2], groups, seed=5))


def test_a_constant_has_no_width_and_nothing_has_no_interval() -> None:
    constant = grouped_mean_intervals(np.ones((7, 1)), np.array([0, 0, 1, 1, 1, 2, 3]))
    assert constant.tolist() == [[1.0, 1.0]]
    assert np.isnan(grouped_mean_intervals(np.zeros((0, 2)), np.zeros(0, np.int64))).all()


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="groups"):
        grouped_mean_intervals(np.ones((3, 1)), np.zeros(2, np.int64))
    with pytest.raises(InputError, match="level"):
        grouped_mean_intervals(np.ones((3, 1)), np.zeros(3, np.int64), level=1.0)
