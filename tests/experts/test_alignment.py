"""Alignment against the published formulas written out, and at its limits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors

from workbench.errors import InputError
from workbench.experts.alignment import cka_map, linked_recall, neighbour_map, neighbours


def hsic(k: np.ndarray, el: np.ndarray) -> float:
    """The unbiased estimator as Song et al. print it."""
    n, one = len(k), np.ones(len(k))
    k, el = k - np.diag(np.diag(k)), el - np.diag(np.diag(el))
    middle = one @ k @ one * (one @ el @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ el) + middle - 2 / (n - 2) * one @ k @ el @ one) / (n * (n - 3))


def test_is_the_published_formula() -> None:
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(20, 5)) + 3, rng.normal(size=(20, 30))]
    y = [rng.normal(size=(20, 7)), x[0] @ rng.normal(size=(5, 4))]
    found = cka_map(x, y, shuffles=3).values
    for i, a in enumerate(x):
        for j, b in enumerate(y):
            k, el = a @ a.T, b @ b.T
            expected = hsic(k, el) / np.sqrt(hsic(k, k) * hsic(el, el))
            assert found[i, j] == pytest.approx(expected)


def test_rotation_and_scale_leave_one_and_noise_leaves_nothing() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 300))  # more dimensions than pairs: the biased form would say .6
    turned = 5 * x @ np.linalg.qr(rng.normal(size=(300, 300)))[0] + 2
    found = cka_map([x], [turned, rng.normal(size=(200, 300))])
    assert found.values[0, 0] == pytest.approx(1)
    assert abs(found.values[0, 1]) < 0.02
    assert found.null[0, 0] < 0.02 and abs(found.chance) < 0.005


def test_neighbours_are_scikit_learns() -> None:
    x = np.random.default_rng(0).normal(size=(50, 6))
    model = NearestNeighbors(n_neighbors=6, metric="cosine").fit(x)
    assert neighbours(x, 5).tolist() == model.kneighbors(return_distance=False)[:, :5].tolist()


def test_overlap_by_hand_and_by_chance() -> None:
    rng = np.random.default_rng(0)
    one, two = (neighbours(rng.normal(size=(60, 4)), 5) for _ in "xy")
    found = neighbour_map([one], [one, two], shuffles=100)
    slow = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(one, two, strict=True)])
    assert found.values[0].tolist() == pytest.approx([1, slow])
    assert found.chance == pytest.approx(5 / 59, abs=0.005)


def test_linked_recall_is_a_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    text = rng.normal(size=(60, 5))
    image = text @ rng.normal(size=(5, 8)) + 0.3 * rng.normal(size=(60, 8))
    noise = rng.normal(size=(60, 8))
    found, chance = linked_recall([image, noise], [text], np.arange(60), seed=3)
    assert chance == pytest.approx(1 / 30)
    fit, judge = np.array_split(np.random.default_rng(3).permutation(60), 2)
    x, y = (side - side[fit].mean(axis=0) for side in (text, image))
    x, y = x / x[fit].std(), y / y[fit].std()
    penalty = np.trace(x[fit].T @ x[fit]) / 5
    model = Ridge(alpha=penalty, fit_intercept=False).fit(x[fit], y[fit])
    guess = model.predict(x[judge])
    cosine = [[g @ i / np.linalg.norm(g) / np.linalg.norm(i) for i in y[judge]] for g in guess]
    assert found[0, 0] == pytest.approx(np.mean(np.argmax(cosine, axis=1) == np.arange(30)))
    assert found[0, 0] > 0.5 > 0.2 > found[1, 0]


def test_equal_texts_share_their_images() -> None:
    rng = np.random.default_rng(0)
    words = rng.normal(size=(4, 6))
    text = np.repeat(words, 10, axis=0)
    image = text + 0.01 * rng.normal(size=(40, 6))
    found, chance = linked_recall([image], [text], np.repeat(np.arange(4), 10))
    assert found[0, 0] == 1 and 0.2 < chance < 0.35


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError):
        cka_map([np.ones((5, 2))], [np.ones((6, 2))])
    with pytest.raises(InputError):
        cka_map([np.ones((3, 2))], [np.ones((3, 2))])
    with pytest.raises(InputError):
        neighbours(np.ones((5, 2)), 5)
