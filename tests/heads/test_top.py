from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.heads.top import rank_of, top


@pytest.mark.parametrize("k", [1, 3, 10, 400])
@pytest.mark.parametrize("classes", [1, 2, 7, 121, 1000, 5000])
@pytest.mark.parametrize("step", [0, 0.5, 2])
def test_it_is_the_head_of_a_stable_sort_of_each_row(k: int, classes: int, step: float) -> None:
    logits = np.random.default_rng(classes).normal(size=(300, classes)).astype(np.float32)
    if step:  # coarse numbers: many ties
        logits = (np.round(logits / step) * step).astype(np.float32)
    found, scores = top(logits, k)
    expected = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    assert np.array_equal(found, expected)
    assert found.dtype == np.int32
    assert np.array_equal(scores, np.take_along_axis(logits, expected, axis=1))


def test_equal_logits_go_to_the_lower_class() -> None:
    found, _ = top(np.ones((2, 500), np.float32), 3)
    assert found.tolist() == [[0, 1, 2]] * 2


@pytest.mark.parametrize("classes", [60, 333, 1000])
def test_large_and_descending_and_ascending_logits(classes: int) -> None:
    rising = np.linspace(-3e38, 3e38, classes, dtype=np.float32)
    found, scores = top(np.stack([rising, rising[::-1]]), 5)
    last = classes - 1
    assert found.tolist() == [[last - i for i in range(5)], list(range(5))]
    assert np.array_equal(scores[0], rising[::-1][:5])


def test_no_image_and_a_view_of_a_larger_array() -> None:
    assert top(np.zeros((0, 300), np.float32), 5)[0].shape == (0, 5)
    wide = np.random.default_rng(0).normal(size=(40, 600)).astype(np.float32)
    assert np.array_equal(top(wide[:, ::2], 4)[0], top(wide[:, ::2].copy(), 4)[0])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-2, 2), min_size=1, max_size=30), st.data())
def test_the_rank_is_the_place_in_the_full_top(values: list[int], data: st.DataObject) -> None:
    logits = np.array([values], np.float32)
    truth = data.draw(st.integers(0, len(values) - 1))
    place = top(logits, len(values))[0][0].tolist().index(truth) + 1
    assert rank_of(logits, np.array([truth])).tolist() == [place]


def test_an_unknown_truth_has_no_rank() -> None:
    logits = np.array([[3, 1, 2], [3, 1, 2]], np.float32)
    assert rank_of(logits, np.array([-1, 2])).tolist() == [-1, 2]
