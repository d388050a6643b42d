from __future__ import annotations

import numpy as np
import pytest

from workbench.heads import similarity
from workbench.heads.carprt import Params, class_scores, prepare
from workbench.heads.head import ArrayImages, Material


def unit(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_scores_and_weights_against_a_slow_loop() -> None:
    texts, images = unit(20), unit(61, seed=1)
    material = Material(ArrayImages(images), texts, np.arange(0, 21, 4), 20.0)
    expected = np.zeros((4, 5))
    for p in range(4):
        sent: dict[int, list[float]] = {}
        for x in images:
            logits = [20 * float(x @ texts[4 * c + p]) for c in range(5)]
            sent.setdefault(int(np.argmax(logits)), []).append(max(logits))
        for c, values in sent.items():
            expected[p, c] = sum(values) / len(values)
    assert np.allclose(class_scores(material, material.by_prompt()), expected, atol=1e-4)
    scorer = prepare(material, Params(2.0))
    raised = np.exp(expected / 2)
    weights = raised / raised.sum(axis=0)
    for c in range(5):
        row = sum(weights[p, c] * texts[4 * c + p] for p in range(4))
        assert np.allclose(scorer.weights[c], row, atol=1e-5)


def test_a_class_that_no_image_goes_to_weighs_its_prompts_alike() -> None:
    images = np.tile(unit(1), (5, 1))
    texts = np.concatenate([images[:2], unit(2, seed=3)])
    scorer = prepare(Material(ArrayImages(images), texts, np.array([0, 2, 4])), Params())
    assert scorer.factors == pytest.approx([0.5, 0.5, 0.5, 0.5])


def test_a_high_temperature_is_the_mean_of_similarities() -> None:
    images = unit(30, seed=1)
    material = Material(ArrayImages(images), unit(12), np.arange(0, 13, 3), 1.0)
    plain = similarity.prepare(material, similarity.Params()).logits(images, 0)
    assert np.allclose(prepare(material, Params(1000.0)).logits(images, 0), plain, atol=1e-3)


def test_of_two_classes_with_the_same_texts_the_second_weighs_them_alike() -> None:
    texts = np.tile(unit(3), (2, 1))
    images = unit(30, seed=1)
    scorer = prepare(Material(ArrayImages(images), texts, np.array([0, 3, 6])), Params())
    assert scorer.factors[3:] == pytest.approx([1 / 3] * 3)
    assert scorer.factors[:3].max() > 0.4
