"""AUROC against scikit-learn, held-out halves against a memorised direction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from workbench.experts.separability import auroc, separability

few = st.lists(st.integers(0, 4), min_size=1, max_size=12)


@given(few, few)
def test_auroc_is_scikit_learns(below: list[int], above: list[int]) -> None:
    truth = [0] * len(below) + [1] * len(above)
    expected = roc_auc_score(truth, [*below, *above])
    assert auroc(np.array(below), np.array(above)) == pytest.approx(expected)


def test_far_apart_is_one_and_texts_lie_above() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 3)) + np.array([9, 0, 0])
    found = separability(x, y)
    assert found.auroc == 1 and found.images.max() < 0 < found.texts.min()
    assert found.null < 0.8


def test_many_dimensions_are_not_memorised() -> None:
    """On the pairs that it was fitted on, the direction would separate noise."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 400)), rng.normal(size=(60, 400))
    direction = (y - x).mean(axis=0)
    assert auroc(x @ direction, y @ direction) > 0.95
    found = separability(x, y)
    assert abs(found.auroc - 0.5) < 0.15 and 0.5 < found.null < 0.7


def test_swapping_the_sides_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 4)) + 0.5
    assert separability(x, y).auroc == pytest.approx(separability(y, x).auroc)


def test_the_null_is_what_refitting_on_swapped_pairs_gives() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(24, 3)), rng.normal(size=(24, 3)) + 0.3
    null = separability(x, y, shuffles=400, seed=1).null
    slow = []
    for seed in range(300):
        here = np.random.default_rng(1000 + seed).integers(0, 2, 24).astype(bool)[:, None]
        slow.append(separability(np.where(here, y, x), np.where(here, x, y), shuffles=1).auroc)
    assert null == pytest.approx(np.quantile(slow, 0.95), abs=0.05)
