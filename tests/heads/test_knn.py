from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from workbench.errors import InputError
from workbench.heads import knn
from workbench.heads.head import ArrayImages, Material, Support
from workbench.heads.knn import Params, prepare, shares


def _unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(("temperature", "cells"), [(0.0, 50), (0.1, 1), (1.0, 1 << 22)])
def test_agrees_with_scikit_learn_whatever_the_block(
    temperature: float, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knn, "_CELLS", cells)
    support, labels = _unit(60), np.random.default_rng(1).integers(0, 5, 60)
    weights = (lambda d: np.exp((1 - d) / temperature)) if temperature else "uniform"
    theirs = KNeighborsClassifier(7, weights=weights, metric="cosine").fit(support, labels)
    queries = _unit(33, seed=2)
    ours = shares(queries, support, labels, 5, neighbours=7, temperature=temperature)
    assert np.allclose(ours, theirs.predict_proba(queries), atol=1e-4)


def test_one_neighbour_is_always_right_on_its_own_images() -> None:
    support, labels = _unit(40), np.random.default_rng(1).integers(0, 5, 40)
    assert np.array_equal(shares(support, support, labels, 5, neighbours=1).argmax(1), labels)


def test_a_low_temperature_is_the_nearest_neighbour_and_all_together_a_matching_network() -> None:
    support, labels, queries = _unit(40), np.arange(40) % 4, _unit(9, seed=3)
    cold = shares(queries, support, labels, 4, neighbours=40, temperature=1e-4)
    nearest = labels[(queries @ support.T).argmax(axis=1)]
    assert np.array_equal(cold.argmax(axis=1), nearest)
    softmax = np.exp(queries @ support.T)
    softmax /= softmax.sum(axis=1, keepdims=True)
    all_vote = shares(queries, support, labels, 4, neighbours=999, temperature=1.0)
    assert np.allclose(all_vote, softmax @ np.eye(4)[labels], atol=1e-5)


def _material(support: Support | None, classes: int) -> Material:
    texts = _unit(classes, seed=9)
    return Material(ArrayImages(_unit(1)), texts, np.arange(classes + 1), support=support)


def test_softmax_gives_the_shares_back_and_no_class_is_left_without_a_number() -> None:
    support, labels, queries = _unit(30), np.arange(30) % 3, _unit(9, seed=3)
    scorer = prepare(_material(Support(support, labels), 5), Params(neighbours=4))
    logits = scorer.logits(queries, 0)
    assert np.isfinite(logits).all()
    expected = shares(queries, support, labels, 5, neighbours=4, temperature=0.07)
    odds = np.exp(logits)
    assert np.allclose(odds / odds.sum(axis=1, keepdims=True), expected, atol=1e-6)
    assert scorer.parts(queries[0], 0, 0) is None


def test_one_image_of_one_class_and_none() -> None:
    one = prepare(_material(Support(_unit(1), np.array([0])), 1), Params())
    assert one.logits(_unit(3, seed=1), 0).tolist() == [[0], [0], [0]]
    assert one.logits(np.zeros((0, 8), np.float32), 0).shape == (0, 1)
    with pytest.raises(InputError, match="labelled images"):
        prepare(_material(None, 2), Params())
