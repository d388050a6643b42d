from __future__ import annotations

import numpy as np
import pytest

from workbench.heads.head import ArrayImages, Material
from workbench.heads.similarity import Params, prepare


def unit(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scores(texts: np.ndarray, starts: list[int], images: np.ndarray, combine: str = "mean"):
    material = Material(ArrayImages(images), texts, np.array(starts), 1.0)
    return prepare(material, Params(combine)).logits(images, 0)


def test_the_worked_example_where_not_renormalising_decides() -> None:
    texts = np.array([[1, 0], [0, 1], [0.6, 0.8], [0.6, 0.8]], np.float32)
    found = scores(texts, [0, 2, 4], np.array([[1, 0]], np.float32))
    assert found == pytest.approx(np.array([[0.5, 0.6]]))


@pytest.mark.parametrize("combine", ["mean", "sum"])
def test_descriptors_of_different_number_against_a_slow_loop(combine: str) -> None:
    texts, starts, images = unit(9), [0, 1, 6, 9], unit(20, seed=1)
    found = scores(texts, starts, images, combine)
    for row, image in enumerate(images):
        for c in range(3):
            cosines = [float(image @ t) for t in texts[starts[c] : starts[c + 1]]]
            expected = sum(cosines) / (len(cosines) if combine == "mean" else 1)
            assert found[row, c] == pytest.approx(expected, abs=1e-5)


def test_only_the_sum_grows_when_a_class_has_its_descriptors_twice() -> None:
    texts, images = unit(4), unit(10, seed=1)
    twice = np.concatenate([texts, texts[2:]])
    plain, doubled = scores(texts, [0, 2, 4], images), scores(twice, [0, 2, 6], images)
    assert np.allclose(plain, doubled, atol=1e-6)
    total = scores(twice, [0, 2, 6], images, "sum")
    assert np.allclose(total[:, 1], 4 * plain[:, 1], atol=1e-5)


def test_the_contributions_of_the_descriptors_are_their_share_of_the_cosine() -> None:
    texts, image = unit(5), unit(1, seed=1)
    material = Material(ArrayImages(image), texts, np.array([0, 2, 5]), 1.0)
    scorer = prepare(material, Params())
    parts = scorer.parts(image[0], 1, 0)
    assert parts == pytest.approx([float(image[0] @ t) / 3 for t in texts[2:]], abs=1e-6)
    assert parts.sum() == pytest.approx(scorer.logits(image, 0)[0, 1], abs=1e-6)
