from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.head import ArrayImages, Material
from workbench.heads.sigmoid import accepted, prepare, probabilities, threshold


def unit(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def material(bias: float | None, scale: float = 30.0) -> Material:
    return Material(ArrayImages(unit(40, seed=1)), unit(12), np.arange(0, 13, 3), scale, bias)


def test_the_order_of_the_classes_is_that_of_the_mean_of_prompts() -> None:
    given = material(-12.5)
    ours = prepare(given, mean.Params()).logits(unit(40, seed=1), 0)
    plain = mean.prepare(material(None), mean.Params()).logits(unit(40, seed=1), 0)
    assert np.array_equal(ours.argmax(axis=1), plain.argmax(axis=1))
    assert np.array_equal(probabilities(ours).argmax(axis=1), plain.argmax(axis=1))
    soft = [np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) for z in (ours + 12.5, plain)]
    assert np.allclose(*soft, atol=1e-5)


def test_at_the_threshold_the_probability_is_one_half() -> None:
    cosine = threshold(112.7, -16.9)
    assert cosine == pytest.approx(0.14996, abs=1e-5)
    image = np.array([[cosine, np.sqrt(1 - cosine**2)]], np.float32)
    given = Material(ArrayImages(image), np.eye(2, dtype=np.float32), np.arange(3), 112.7, -16.9)
    logits = prepare(given, mean.Params()).logits(image, 0)
    assert probabilities(logits)[0, 0] == pytest.approx(0.5, abs=1e-4)


def test_probabilities_are_scipys_and_never_overflow() -> None:
    logits = np.array([[-1e4, -200, -3, 0, 0.5, 90, 1e4]], np.float32)
    assert np.allclose(probabilities(logits), expit(logits), atol=1e-6)
    assert accepted(logits).tolist() == [[False, False, False, False, True, True, True]]


def test_a_softmax_model_is_refused() -> None:
    with pytest.raises(InputError, match="bias"):
        prepare(material(None), mean.Params())
