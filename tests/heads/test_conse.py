from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.conse import Params, prepare, soft_embedding
from workbench.heads.head import ArrayImages, Material


def _unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _material(texts: np.ndarray, scale: float = 10.0) -> Material:
    images = ArrayImages(np.zeros((0, texts.shape[1]), np.float32))
    return Material(images, texts, np.arange(len(texts) + 1), scale)


def test_the_worked_example() -> None:
    p = np.array([[0.6, 0.3, 0.1]], np.float32)
    vectors = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    assert np.allclose(soft_embedding(p, vectors, 2), [[2 / 3, 1 / 3]], atol=1e-6)
    assert np.allclose(soft_embedding(p, vectors, 99), [[0.5, 0.3]], atol=1e-6)


def test_the_top_one_alone_is_the_mean_head_whatever_the_scale() -> None:
    images, material = _unit(50), _material(_unit(7, seed=1))
    plain = mean.prepare(material, mean.Params()).logits(images, 0)
    alone = prepare(material, Params(top=1)).logits(images, 0)
    assert np.array_equal(alone.argmax(axis=1), plain.argmax(axis=1))
    texts = material.texts
    assert np.allclose(alone, 10 * (texts @ texts.T)[plain.argmax(axis=1)], atol=1e-4)


@pytest.mark.parametrize("top", [2, 4, 5, 1000])
def test_agrees_with_a_slow_loop_over_a_part_of_the_classes(top: int) -> None:
    images, texts, seen = _unit(11), _unit(8, seed=1), [0, 2, 3, 6, 7]
    found = prepare(_material(texts), Params(top=top, seen="0,2-3,6-7")).logits(images, 0)
    for image, row in zip(images.astype(float), found, strict=True):
        odds = {k: np.exp(10 * image @ texts[k]) for k in seen}
        best = sorted(seen, key=lambda k: -odds[k])[:top]
        mixed = sum(odds[k] * texts[k] for k in best)
        cosines = [mixed @ t / np.linalg.norm(mixed) for t in texts]
        assert np.allclose(row, 10 * np.array(cosines), atol=1e-3)


def test_only_unseen_classes_may_be_predicted_if_asked() -> None:
    images, material = _unit(40), _material(_unit(6, seed=1))
    options = Params(seen="0-3", candidates="unseen")
    found = prepare(material, options).logits(images, 0)
    assert set(found.argmax(axis=1)) == {4, 5}
    assert np.isfinite(found).all()
    with pytest.raises(InputError, match="not seen"):
        prepare(material, Params(candidates="unseen"))


def test_one_class_one_image_and_classes_that_cancel_out() -> None:
    one = prepare(_material(_unit(1)), Params()).logits(_unit(1, seed=3), 0)
    assert one.shape == (1, 1)
    opposite = _material(np.array([[1, 0], [-1, 0]], np.float32))
    found = prepare(opposite, Params()).logits(np.array([[0, 1]], np.float32), 0)
    assert found.tolist() == [[0, 0]]
