from __future__ import annotations

import numpy as np
import pytest

from workbench.heads import similarity
from workbench.heads.autoclip import AutoClipScorer, Params, prepare, template_weights
from workbench.heads.head import ArrayImages, Material


def unit(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


EXAMPLE = np.array([[0.30, 0.24, 0.20], [0.25, 0.23, 0.20]], np.float32).T[None]
"""(image, prompt, class) of the worked example."""


def bits(weights: np.ndarray) -> np.ndarray:
    return -(weights * np.log2(np.maximum(weights, 1e-300))).sum(axis=1)


def test_the_worked_example() -> None:
    weights = template_weights(EXAMPLE, 0.85)
    assert weights == pytest.approx(np.array([[0.594, 0.270, 0.136]]), abs=1e-3)
    assert bits(weights) == pytest.approx([1.347], abs=1e-3)
    assert weights[0] @ EXAMPLE[0] == pytest.approx([0.2702, 0.2378], abs=1e-4)


def test_the_weights_follow_the_numerical_gradient() -> None:
    cosines = np.random.default_rng(0).uniform(0, 0.4, (5, 6, 9))

    def objective(rho: np.ndarray, one: np.ndarray) -> float:
        w = np.exp(rho) / np.exp(rho).sum()
        return float(np.log(np.exp(w @ one).sum()))

    for one, weights in zip(cosines, template_weights(cosines, 0.7), strict=True):
        steps = np.eye(6) * 1e-4
        slope = [(objective(s, one) - objective(-s, one)) / 2e-4 for s in steps]
        logs = np.log(weights)  # equal to length * slope, but for a constant
        assert np.corrcoef(logs, slope)[0, 1] > 0.999999


@pytest.mark.parametrize("beta", [0.05, 0.5, 0.85, 0.99])
def test_the_entropy_is_the_share_asked_for(beta: float) -> None:
    cosines = np.random.default_rng(1).uniform(-0.2, 0.4, (200, 7, 5)).astype(np.float32)
    weights = template_weights(cosines, beta)
    assert bits(weights) == pytest.approx(np.full(200, beta * np.log2(7)), abs=1e-4)
    assert weights.sum(axis=1) == pytest.approx(np.ones(200))


def test_beta_one_is_the_mean_of_similarities() -> None:
    texts, images = unit(12), unit(30, seed=1)
    material = Material(ArrayImages(images), texts, np.arange(0, 13, 4), 30.0, -3.0)
    plain = similarity.prepare(material, similarity.Params()).logits(images, 0)
    assert np.allclose(prepare(material, Params(1.0)).logits(images, 0), plain, atol=1e-4)


def test_a_small_beta_leaves_the_decision_to_the_best_prompt() -> None:
    weights = template_weights(EXAMPLE, 0.01)
    assert weights.argmax() == 0
    assert weights.max() > 0.99


def test_prompts_that_are_all_alike_weigh_alike() -> None:
    alike = np.repeat(np.array([[[0.3, 0.1]]], np.float32), 4, axis=1)
    assert template_weights(alike, 0.85) == pytest.approx(np.full((1, 4), 0.25))
    assert template_weights(alike[:, :1], 0.85).tolist() == [[1.0]]


def test_large_sets_of_prompts_go_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    images = unit(25, seed=1)
    material = Material(ArrayImages(images), unit(12), np.arange(0, 13, 4))
    whole = prepare(material, Params()).logits(images, 0)
    monkeypatch.setattr("workbench.heads.autoclip._CELLS", 100)
    assert np.allclose(prepare(material, Params()).logits(images, 0), whole, atol=1e-4)


def test_the_prompt_that_decides_has_the_largest_part() -> None:
    images = unit(9, seed=1)
    scorer: AutoClipScorer = prepare(
        Material(ArrayImages(images), unit(12), np.arange(0, 13, 4)), Params()
    )
    for row, image in enumerate(images):
        weights = template_weights((scorer.prompts @ image)[None], 0.85)[0]
        parts = scorer.parts(image, 2, row)
        assert parts is not None
        expected = [100 * weights[p] * float(scorer.prompts[p, 2] @ image) for p in range(4)]
        assert parts == pytest.approx(expected, abs=1e-3)
