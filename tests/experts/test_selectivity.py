"""Selectivity against scikit-learn, unit by unit; its null."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import permutation_test
from sklearn.metrics import roc_auc_score

from workbench.experts.selectivity import EDGES, selectivity


def test_every_unit_is_twice_scikit_learns_auroc_minus_one() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (30, 600)), rng.integers(0, 6, (30, 600))
    found = selectivity(x, y, shuffles=10)
    truth = [0] * 30 + [1] * 30
    for unit in (0, 1, 511, 512, 599):
        both = np.concatenate([x[:, unit], y[:, unit]])
        assert found.values[unit] == pytest.approx(2 * roc_auc_score(truth, both) - 1)
    assert found.null.sum() == 10 * 600 and len(found.null) == len(EDGES) - 1


def test_extremes_and_silence() -> None:
    x = np.zeros((20, 3))
    y = np.zeros((20, 3))
    y[:, 0], x[:, 1] = 1 + np.arange(20), 1 + np.arange(20)
    found = selectivity(x, y)
    assert found.values.tolist() == [1, -1, 0]
    assert found.q[0] < 1e-3 and found.q[1] < 1e-3 and found.p[2] == found.q[2] == 1


def test_p_is_that_of_swapping_within_pairs() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(25, 1)), rng.normal(size=(25, 1)) + 0.4
    found = selectivity(x, y)

    def statistic(a: np.ndarray, b: np.ndarray) -> float:
        return 2 * roc_auc_score([0] * 25 + [1] * 25, np.concatenate([a, b])) - 1

    slow = permutation_test(
        (x[:, 0], y[:, 0]), statistic, permutation_type="samples", n_resamples=2000, rng=0
    )
    assert found.values[0] == pytest.approx(slow.statistic)
    assert found.p[0] == pytest.approx(slow.pvalue, abs=0.03)


def test_noise_finds_hardly_a_unit() -> None:
    rng = np.random.default_rng(1)
    found = selectivity(rng.normal(size=(50, 700)), rng.normal(size=(50, 700)))
    assert (found.q < 0.05).sum() <= 3
    assert np.abs(found.values).max() < found.largest * 1.2
