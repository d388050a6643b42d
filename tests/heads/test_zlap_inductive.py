from __future__ import annotations

import numpy as np
import pytest

from workbench.heads import zlap
from workbench.heads.head import ArrayImages, Material
from workbench.heads.zlap_inductive import Params, prepare


def _unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.abs(np.random.default_rng(seed).normal(size=(n, d))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _material(images: np.ndarray, texts: np.ndarray, seed: int = 0) -> Material:
    return Material(ArrayImages(images), texts, np.arange(len(texts) + 1), 10.0, seed=seed)


def test_a_new_image_reads_its_neighbours_rows_of_the_dense_inverse() -> None:
    images, texts, new = _unit(25), _unit(4, seed=1), _unit(7, seed=2)
    params = Params(tolerance=1e-9)
    graph = zlap.graph(ArrayImages(images), texts, params).toarray()
    inverse = np.linalg.inv(np.eye(29) - params.alpha * graph)[:, :4]
    found = np.exp(prepare(_material(images, texts), params).logits(new, 0))
    for image, row in zip(new, found, strict=True):
        y = np.zeros(29)
        to_texts, to_images = texts @ image, images @ image
        near, close = np.argsort(-to_texts)[:5], np.argsort(-to_images)[:5]
        y[near], y[4 + close] = to_texts[near] ** 5, to_images[close]
        assert np.allclose(row, y @ inverse, atol=1e-5)


def test_the_sample_is_drawn_by_the_seed_and_the_block_does_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, texts, params = _unit(60), _unit(4, seed=1), Params(sample=20)
    one_block = prepare(_material(images, texts), params).sample
    blocks = ArrayImages.blocks
    monkeypatch.setattr(ArrayImages, "blocks", lambda self, _=0: blocks(self, 17))
    scorer = prepare(_material(images, texts), params)
    assert np.array_equal(scorer.sample, one_block)
    whole = scorer.logits(images, 0)
    halves = [scorer.logits(images[:23], 0), scorer.logits(images[23:], 23)]
    assert np.allclose(np.concatenate(halves), whole, atol=1e-6)
    assert np.array_equal(prepare(_material(images, texts), params).logits(images, 0), whole)
    other = prepare(_material(images, texts, seed=1), params).logits(images, 0)
    assert not np.allclose(other, whole, atol=1e-3)
    assert {tuple(row) for row in scorer.sample} <= {tuple(row) for row in images}
    assert len(np.unique(scorer.sample, axis=0)) == 20


def test_two_tight_groups_are_told_apart_better_than_by_the_texts_alone() -> None:
    """Texts lean to one side, the groups do not: neighbours decide for images near the middle."""
    rng = np.random.default_rng(0)
    centres, labels = np.eye(2, 16, dtype=np.float32), np.arange(400) % 2
    images = centres[labels] + 0.25 * rng.normal(size=(400, 16)).astype(np.float32)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    texts = centres + np.array([[0, 0, 0.6], [0, 0, 0]], np.float32) @ np.eye(3, 16)
    texts = (texts / np.linalg.norm(texts, axis=1, keepdims=True)).astype(np.float32)
    right = (images @ texts.T).argmax(axis=1) == labels
    found = prepare(_material(images, texts), Params()).logits(images, 0).argmax(axis=1) == labels
    assert found.mean() > right.mean()


def test_an_image_that_nothing_reaches_and_no_image_at_all() -> None:
    texts = np.eye(3, 4, dtype=np.float32)
    scorer = prepare(_material(texts[:2], texts), Params(neighbours=1))
    lone = np.array([[-0.6, -0.8, 0, 0]], np.float32)
    odds = np.exp(10 * lone @ texts.T)
    assert np.allclose(np.exp(scorer.logits(lone, 0)), odds / odds.sum(), atol=1e-6)
    empty = prepare(_material(_unit(0, 4), texts), Params())
    assert empty.logits(texts, 0).argmax(axis=1).tolist() == [0, 1, 2]
