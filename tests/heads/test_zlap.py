from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.heads import zlap
from workbench.heads.head import ArrayImages, Material
from workbench.heads.zlap import Params, affinity, edges, prepare, propagate


def _chain(order: list[int]) -> np.ndarray:
    """Scores (2, 3) of the chain t0 - x - x - x - t1, its images stored in the given order."""
    place = np.argsort(order)
    hops = np.array([[1, 0], [2, 1], [2, 2]])
    ones = np.array([[1, 0], [1, 0], [0, 0]], np.float32)
    images = (place[hops][order], ones[order])
    texts = (np.array([[0], [0], [1]])[order], np.array([[1], [0], [1]], np.float32)[order])
    return propagate(affinity(texts, images, 2), 2, Params())[:, 2:]


def test_the_worked_example_is_symmetric_and_follows_the_images() -> None:
    scores = _chain([0, 1, 2])
    assert np.allclose(scores[:, 0], [0.2276, 0.0055], atol=5e-5)
    assert np.allclose(scores[:, 1], 0.0350, atol=5e-5)
    assert np.allclose(scores[:, 2], scores[::-1, 0], atol=1e-6)
    assert np.allclose(_chain([2, 0, 1]), scores[:, [2, 0, 1]], atol=1e-6)


def test_edges_are_raised_to_the_power_and_never_negative() -> None:
    weights = edges(np.array([[0.5, -0.5, 0]], np.float32), 2)
    assert weights.tolist() == [[0.25, 0, 0]]


def test_an_edge_chosen_from_both_ends_counts_twice_and_a_lone_node_has_none() -> None:
    images = (np.array([[0, 1], [1, 0], [2, 2]]), np.ones((3, 2), np.float32))
    texts = (np.array([[0], [0], [0]]), np.array([[1], [1], [0]], np.float32))
    graph = affinity(texts, images, 1).toarray()
    weights = np.array([[0, 1, 1, 0], [1, 0, 2, 0], [1, 2, 0, 0], [0, 0, 0, 0]], float)
    degree = weights.sum(axis=1)
    expected = weights / np.sqrt(np.outer(degree, degree).clip(1e-9))
    assert np.allclose(graph, expected)


@pytest.mark.parametrize("memory", [1 << 29, 0])
def test_propagation_agrees_with_a_dense_solve(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zlap, "_MEMORY", memory)
    rng = np.random.default_rng(0)
    images = (rng.integers(0, 30, (30, 4)), rng.random((30, 4), np.float32))
    texts = (rng.integers(0, 5, (30, 2)), rng.random((30, 2), np.float32))
    graph = affinity(texts, images, 5)
    exact = np.linalg.inv(np.eye(35) - 0.9 * graph.toarray())[:5, 5:]
    params = Params(alpha=0.9, tolerance=1e-9, iterations=200)
    found = propagate(graph, 5, params)[:, 5:]
    assert np.allclose(found, exact, atol=1e-6)
    assert isinstance(found, np.memmap) == (memory == 0)


def _unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.abs(np.random.default_rng(seed).normal(size=(n, d))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _slow(images: np.ndarray, texts: np.ndarray, params: Params) -> np.ndarray:
    """Scores (N, C) from a dense graph, edge by edge, and a dense inverse."""
    c, n, k = len(texts), len(images), params.neighbours
    weights = np.zeros((c + n, c + n))
    for i in range(n):
        to_texts, to_images = images[i] @ texts.T, images[i] @ images.T
        for j in np.argsort(-to_texts)[:k]:
            weights[c + i, j] = max(to_texts[j], 0) ** params.power
        for j in np.argsort(-to_images)[:k]:
            weights[c + i, c + j] = max(to_images[j], 0)
    weights += weights.T
    np.fill_diagonal(weights, 0)
    degree = np.maximum(weights.sum(axis=1), 1e-12)
    normal = weights / np.sqrt(np.outer(degree, degree))
    return np.linalg.inv(np.eye(c + n) - params.alpha * normal)[c:, :c]


def _material(images: np.ndarray, texts: np.ndarray) -> Material:
    return Material(ArrayImages(images), texts, np.arange(len(texts) + 1), 10.0)


@pytest.mark.parametrize("size", [8192, 17, 1])
def test_the_head_agrees_with_a_dense_graph_whatever_the_block(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, texts, params = _unit(41), _unit(6, seed=1), Params(tolerance=1e-9)
    blocks = ArrayImages.blocks
    monkeypatch.setattr(ArrayImages, "blocks", lambda self, _=0: blocks(self, size))
    scorer = prepare(_material(images, texts), params)
    found = np.concatenate([scorer.logits(images[s : s + 10], s) for s in range(0, 41, 10)])
    assert np.allclose(np.exp(found), _slow(images, texts, params), atol=1e-6)


def test_permuting_the_images_permutes_their_scores() -> None:
    images, texts = _unit(30), _unit(4, seed=1)
    order = np.random.default_rng(2).permutation(30)
    plain = prepare(_material(images, texts), Params()).logits(images, 0)
    moved = prepare(_material(images[order], texts), Params()).logits(images[order], 0)
    assert np.allclose(moved, plain[order], atol=1e-3)


def test_an_image_that_nothing_reaches_gets_the_answer_of_the_mean_head() -> None:
    texts = np.eye(3, 4, dtype=np.float32)
    lone = np.array([[-0.6, -0.8, -0.0, 0]], np.float32)
    images = np.concatenate([texts[:2], lone])
    found = prepare(_material(images, texts), Params(neighbours=2)).logits(images, 0)
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    odds = np.exp(10 * lone @ texts.T)
    assert np.allclose(np.exp(found[2]), odds[0] / odds.sum(), atol=1e-6)


def test_one_image_one_class_and_no_image() -> None:
    one = prepare(_material(_unit(1), _unit(1, seed=1)), Params()).logits(_unit(1), 0)
    assert one.shape == (1, 1)
    assert np.isfinite(one).all()
    empty = prepare(_material(_unit(0), _unit(2)), Params())
    assert empty.logits(_unit(0), 0).shape == (0, 2)
    assert empty.parts(_unit(1)[0], 0, 0) is None


def test_vectors_that_are_no_numbers_are_refused() -> None:
    images = _unit(3)
    images[1, 2] = np.nan
    with pytest.raises(InputError, match="unit length"):
        prepare(_material(images, _unit(2)), Params())
