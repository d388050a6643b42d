"""Certainty against scipy's entropy and a hand-worked case."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
import scipy.stats

from workbench.heads import cores
from workbench.heads.softmax import certainty


def test_two_classes_by_hand() -> None:
    """Logits log 3 and 0: probabilities 3/4 and 1/4, entropy log 4 - 3/4 log 3."""
    logits = np.array([[np.log(3), 0.0]], np.float32)
    likely, entropy = certainty(logits, logits)
    np.testing.assert_allclose(likely, [[0.75, 0.25]], rtol=1e-6)
    np.testing.assert_allclose(entropy, [np.log(4) - 0.75 * np.log(3)], rtol=1e-6)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_agrees_with_scipy_over_several_parts(
    scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "CELLS", 7 * 30)
    drawn = np.random.default_rng(0).standard_normal((50, 30)) * scale
    logits = drawn.astype(np.float32)
    likely, entropy = certainty(logits, logits)
    expected = scipy.special.softmax(logits.astype(np.float64), axis=1)
    np.testing.assert_allclose(likely, expected, rtol=2e-5, atol=1e-12)
    np.testing.assert_allclose(entropy, scipy.stats.entropy(expected, axis=1), atol=2e-6)


def test_limits() -> None:
    """One class: certain. All alike: log C. Far apart: nothing left over, and never below 0."""
    one, alike = np.array([[5.0]], np.float32), np.full((1, 8), 3.0, np.float32)
    assert certainty(one, one)[1][0] == 0
    np.testing.assert_allclose(certainty(alike, alike)[1], np.log(8), rtol=1e-6)
    apart = np.array([[1e4, 0.0, -1e4]], np.float32)
    assert certainty(apart, apart)[1][0] == 0
    empty = np.empty((0, 3), np.float32)
    assert certainty(empty, empty)[0].shape == (0, 3)
