from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from workbench.errors import InputError
from workbench.measures.compare import mcnemar, paired


def test_a_worked_example():
    truth = np.array([0, 0, 1, 1, 1])
    found = paired(truth, np.array([0, 1, 0, 1, 0]), np.array([0, 0, 1, 0, 0]))
    assert found.fixed.tolist() == [1, 2] and found.broken.tolist() == [3]
    assert found.difference.value == pytest.approx(0.2) and found.difference.n == 5
    assert found.agreement == pytest.approx(2 / 5)
    assert found.p == 1.0


def test_mcnemar_by_hand():
    assert mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert mcnemar(0, 0) == 1
    tail = sum(math.comb(10, k) for k in (8, 9, 10)) / 2**10
    assert mcnemar(8, 2) == pytest.approx(2 * tail)


def test_mcnemar_is_nearly_alike_on_both_sides_of_the_change_of_method():
    from scipy.stats import binomtest

    assert mcnemar(570, 480) == pytest.approx(binomtest(570, 1050).pvalue, rel=0.05)


def test_kappa_is_scikit_learn_s():
    rng = np.random.default_rng(0)
    truth, first = rng.integers(0, 4, (2, 300))
    second = np.where(rng.random(300) < 0.5, first, rng.integers(0, 4, 300))
    assert paired(truth, first, second).kappa == pytest.approx(cohen_kappa_score(first, second))


def test_equal_answers():
    answers = np.array([1, 1])
    found = paired(np.array([1, 0]), answers, answers)
    assert found.difference.value == 0 and found.p == 1 and math.isnan(found.kappa)


def test_answers_to_different_images_are_refused():
    with pytest.raises(InputError):
        paired(np.array([0]), np.array([0, 1]), np.array([0]))
    with pytest.raises(InputError):
        paired(*(np.empty(0, int),) * 3)
