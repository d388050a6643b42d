from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from workbench.measures.multilabel import average_precision, average_precisions


def test_a_worked_example():
    # relevant at places 1 and 3: (1/1 + 2/3) / 2
    found = average_precision(np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False]))
    assert found == pytest.approx(5 / 6)


def test_scikit_learn_gives_the_same_with_and_without_ties():
    rng = np.random.default_rng(0)
    for levels in (4, 10_000):
        scores, relevant = rng.integers(0, levels, 300) / levels, rng.random(300) < 0.2
        want = average_precision_score(relevant, scores)
        assert average_precision(scores, relevant) == pytest.approx(want)


def test_the_order_of_tied_images_does_not_matter():
    relevant = np.array([True, False, False, True])
    assert average_precision(np.ones(4), relevant) == average_precision(np.ones(4), relevant[::-1])
    assert average_precision(np.ones(4), relevant) == pytest.approx(0.5)  # as often as drawn blind


def test_all_and_none_relevant():
    assert average_precision(np.array([0.3, 0.1]), np.array([True, True])) == 1
    assert math.isnan(average_precision(np.array([0.3]), np.array([False])))
    assert math.isnan(average_precision(np.empty(0), np.empty(0, dtype=bool)))


def test_a_class_without_images_has_none():
    scores = np.array([[0.9, 0.1, 0.5], [0.2, 0.8, 0.5]])
    relevant = np.array([[True, True, False], [False, False, False]])
    np.testing.assert_allclose(average_precisions(scores, relevant), [1, 0.5, np.nan])
    assert np.isnan(average_precisions(scores, np.zeros((2, 3), dtype=bool))).all()
