from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from workbench.measures.per_class import confusion_pairs, per_class


def test_a_worked_example():
    truth = np.array([0, 0, 0, 0, 1, 1, -1])
    predicted = np.array([0, 0, 1, 2, 1, 0, 1])
    found = per_class(truth, predicted, np.full(7, 0.5), 4)
    assert found.n.tolist() == [4, 2, 0, 0]
    assert found.correct.tolist() == [2, 1, 0, 0]
    assert found.predicted.tolist() == [3, 2, 1, 0]
    assert found.accuracy[:2].tolist() == [0.5, 0.5] and np.isnan(found.accuracy[2:]).all()
    assert found.precision[0] == pytest.approx(2 / 3) and found.precision[2] == 0
    assert np.isnan(found.precision[3]) and np.isnan(found.f1[3])
    assert found.confused_with.tolist() == [1, 0, -1, -1]
    assert found.confused_count.tolist() == [1, 1, 0, 0]
    assert found.ece[0] == pytest.approx(0.0)


def test_scikit_learn_gives_the_same():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 7, (2, 500))
    found = per_class(truth, predicted, rng.random(500), 7)
    precision, recall, f1, n = precision_recall_fscore_support(truth, predicted)
    assert found.precision == pytest.approx(precision)
    assert found.accuracy == pytest.approx(recall)
    assert found.f1 == pytest.approx(f1)
    assert found.n.tolist() == n.tolist()
    rows, columns, counts = confusion_pairs(truth, predicted, 7)
    dense = np.zeros((7, 7), int)
    dense[rows, columns] = counts
    assert (dense == confusion_matrix(truth, predicted)).all()
    off = dense - np.diag(np.diag(dense))
    assert found.confused_count.tolist() == off.max(axis=1).tolist()
    assert (off[np.arange(7), found.confused_with] == off.max(axis=1)).all()
    assert (np.diff(counts) <= 0).all()


def test_one_class_one_image_and_none():
    one = per_class(np.array([0]), np.array([0]), np.array([1.0]), 1)
    assert one.accuracy.tolist() == [1.0] and one.confused_with.tolist() == [-1]
    empty = np.empty(0, dtype=np.int64)
    none = per_class(empty, empty, np.empty(0), 2)
    assert none.n.tolist() == [0, 0] and np.isnan(none.accuracy).all()
    assert np.isnan(none.ece).all()
