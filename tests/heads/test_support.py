from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax as scipy_log_softmax

from workbench.heads.softmax import log_softmax, softmax
from workbench.heads.support import bury, held_out


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_probabilities_agree_with_scipy_and_do_not_overflow(scale: float) -> None:
    logits = (scale * np.random.default_rng(0).normal(size=(7, 5))).astype(np.float32)
    before = logits.copy()
    expected = scipy_log_softmax(logits.astype(np.float64), axis=1)
    assert np.allclose(log_softmax(logits), expected, rtol=1e-4, atol=1e-5)
    assert np.allclose(softmax(logits), np.exp(expected), atol=1e-5)
    assert np.array_equal(logits, before)


def test_the_part_held_out_keeps_an_image_of_each_class() -> None:
    labels = np.array([0] * 10 + [1] * 2 + [2])
    held = held_out(labels, 0.2, seed=3)
    assert [int(held[labels == c].sum()) for c in range(3)] == [2, 1, 0]
    assert np.array_equal(held, held_out(labels, 0.2, seed=3))
    assert not np.array_equal(held, held_out(labels, 0.2, seed=4))


def test_buried_classes_lie_below_all_others_and_take_no_probability() -> None:
    logits = np.array([[5, 1, 9, 2]], np.float32)
    found = bury(logits.copy(), np.array([2]))
    assert found.tolist() == [[5, 1, -99, 2]]
    assert softmax(found)[0, 2] < 1e-30
    assert np.array_equal(bury(logits.copy(), np.array([], np.int64)), logits)
