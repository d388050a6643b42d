"""Calibration by frequency: a worked example and a loop over images."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.longtail.bins import bin_classes
from workbench.longtail.calibration import by_frequency, kinds_by_frequency
from workbench.measures.calibration import ece


def test_by_hand() -> None:
    counts = np.array([0.0, 5, 500, np.nan])
    truth = np.array([0, 0, 1, 1, 1, 1, 2, 3])
    confidence = np.array([0.9, 0.9, 0.5, 0.5, 0.5, 0.5, 0.8, 1.0])
    correct = np.array([False, False, True, True, False, False, True, True])
    found = by_frequency(counts, truth, confidence, correct, np.arange(4))
    assert found.n.tolist() == [2, 4, 0, 1] and found.absent == 1
    assert found.classes.tolist() == [1, 1, 0, 1]
    assert found.accuracy[[0, 1, 3]].tolist() == [0, 0.5, 1]
    assert found.confidence[[0, 1, 3]] == pytest.approx([0.9, 0.5, 0.8])
    assert found.ece[[0, 1, 3]] == pytest.approx([0.9, 0, 0.2])
    row = [found.accuracy[2], found.confidence[2], found.ece[2], found.low[2], found.high[2]]
    assert np.isnan(row).all()


def test_it_agrees_with_the_error_of_each_part() -> None:
    rng = np.random.default_rng(0)
    counts = np.floor(10 ** rng.uniform(-0.5, 4, 50))
    truth, confidence = rng.integers(0, 50, 2000), rng.uniform(0, 1, 2000)
    correct = rng.random(2000) < confidence**2
    bins = bin_classes(counts, np.zeros(50), bins=5)
    found = by_frequency(counts, truth, confidence, correct, bins.edges)
    for row in range(6):
        mine = bins.place[truth] == row - 1
        assert found.n[row] == mine.sum()
        assert found.accuracy[row] == pytest.approx(correct[mine].mean())
        assert found.ece[row] == pytest.approx(ece(confidence[mine], correct[mine]))
        assert found.low[row] <= found.accuracy[row] <= found.high[row]
    assert found.absent == 0 and found.n.sum() == 2000


def test_no_image_and_bad_rows() -> None:
    none = by_frequency(np.ones(2), np.zeros(0, int), np.zeros(0), np.zeros(0), np.arange(3))
    assert none.n.tolist() == [0, 0, 0] and np.isnan(none.ece).all()
    with pytest.raises(InputError, match="0 to 1"):
        by_frequency(np.ones(2), np.array([2]), np.ones(1), np.ones(1), np.arange(3))
    with pytest.raises(InputError, match="one length"):
        by_frequency(np.ones(2), np.array([1]), np.ones(2), np.ones(1), np.arange(3))


def test_kinds_of_mistakes_by_hand() -> None:
    counts = np.array([0.0, 5, 500, np.nan])
    truth = np.array([0, 0, 1, 1, 1, 2, 2, 3])
    kinds = np.array([1, 1, -1, 0, 1, 0, -1, 1])
    found = kinds_by_frequency(counts, truth, kinds, np.arange(4), count=2)
    assert found.tolist() == [[0, 2], [1, 1], [0, 0], [1, 0]]
    with pytest.raises(InputError, match="-1 to 1"):
        kinds_by_frequency(counts, truth, kinds + 1, np.arange(4), count=2)
    with pytest.raises(InputError, match="one length"):
        kinds_by_frequency(counts, truth, kinds[1:], np.arange(4), count=2)
