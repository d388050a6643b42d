from __future__ import annotations

import time

import numpy as np
import pytest

from workbench.measures.class_order import class_order
from workbench.measures.per_class import confusion_pairs

NOTHING = np.empty(0, dtype=np.int64)


def blocks_of(order, group):
    """How often the group changes along the order."""
    return int((np.diff(group[order]) != 0).sum()) + 1


def test_the_hierarchy_comes_first_where_every_class_has_one():
    paths = [("b",), ("a", "y"), ("b",), ("a", "x")]
    assert class_order(NOTHING, NOTHING, NOTHING, paths).tolist() == [3, 1, 0, 2]


@pytest.mark.parametrize("classes", [60, 2100])
def test_classes_that_are_confused_stand_together(classes):
    rng = np.random.default_rng(0)
    group = rng.permutation(np.arange(classes) % (classes // 5))
    members = [np.flatnonzero(group == g) for g in range(classes // 5)]
    truth = np.repeat(np.arange(classes), 40)
    predicted = np.array([rng.choice(members[group[c]]) for c in truth])
    pairs = confusion_pairs(truth, predicted, classes)
    order = class_order(*pairs, [()] * classes)
    assert sorted(order.tolist()) == list(range(classes))
    assert blocks_of(order, group) == classes // 5


def test_one_way_confusion_counts_as_much():
    pairs = np.array([0, 0]), np.array([3, 0]), np.array([5, 9])
    order = class_order(*pairs, [()] * 5).tolist()
    assert abs(order.index(0) - order.index(3)) == 1


@pytest.mark.parametrize("classes", [0, 1, 2, 7])
def test_without_confusions_the_classes_stay_as_they_are(classes):
    own = np.arange(classes)
    assert class_order(own, own, np.ones(classes), [()] * classes).tolist() == own.tolist()
    assert class_order(NOTHING, NOTHING, NOTHING, [()] * classes).tolist() == own.tolist()


def test_some_classes_without_ancestors_are_ordered_by_confusion():
    pairs = np.array([0]), np.array([2]), np.array([3])
    order = class_order(*pairs, [("a",), ("a",), ()]).tolist()
    assert abs(order.index(0) - order.index(2)) == 1


def test_ten_thousand_classes_are_ordered_at_once():
    rng = np.random.default_rng(1)
    truth, predicted = rng.integers(0, 10_000, (2, 50_000))
    began = time.process_time()
    order = class_order(*confusion_pairs(truth, predicted, 10_000), [()] * 10_000)
    assert sorted(order.tolist()) == list(range(10_000))
    assert time.process_time() - began < 20
