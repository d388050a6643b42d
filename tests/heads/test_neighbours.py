from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from workbench.errors import InputError
from workbench.heads import neighbours
from workbench.heads.neighbours import merge, nearest


def _unit(n: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, 16)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("cells", "number", "k"),
    [(1 << 24, 101, 7), (300, 101, 7), (1, 101, 7), (1 << 24, 1025, 1), (1 << 24, 3000, 5)],
)
def test_agrees_with_scikit_learn_whatever_the_block(
    cells: int, number: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_CELLS", cells)
    queries, keys = _unit(31), _unit(number, seed=1)
    rows, products = nearest(queries, keys, k)
    cosine = NearestNeighbors(n_neighbors=k, metric="cosine").fit(keys)
    distances, expected = cosine.kneighbors(queries)
    assert np.array_equal(rows, expected)
    assert np.allclose(products, 1 - distances, atol=1e-5)


def test_two_halves_merge_into_the_whole() -> None:
    queries, keys = _unit(9), _unit(40, seed=1)
    rows, products = nearest(queries, keys[25:], 5)
    merged = merge(nearest(queries, keys[:25], 5), (rows + 25, products), 5)
    assert np.array_equal(merged[0], nearest(queries, keys, 5)[0])


def test_the_nearest_are_found_wherever_they_lie_among_many_keys() -> None:
    keys = _unit(2000, seed=1)
    rows, products = nearest(keys, keys, 3)
    assert np.array_equal(rows[:, 0], np.arange(2000))
    assert np.allclose(products, np.sort(keys @ keys.T, axis=1)[:, :-4:-1], atol=1e-6)


def test_few_keys_equal_keys_and_none() -> None:
    queries = _unit(3)
    assert nearest(queries, _unit(2, seed=1), 10)[0].shape == (3, 2)
    assert nearest(queries, np.repeat(_unit(1), 4, axis=0), 4)[0].tolist() == [[0, 1, 2, 3]] * 3
    assert nearest(queries, np.zeros((0, 16), np.float32), 3)[0].shape == (3, 0)
    assert nearest(np.zeros((0, 16), np.float32), queries, 3)[0].shape == (0, 3)
    with pytest.raises(InputError, match="at least 1"):
        nearest(queries, queries, 0)
