"""The gap by hand and by slow loops; closing it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.experts.gap import (
    AMOUNTS,
    close_classes,
    close_pairs,
    modality_gap,
    moved,
    spread_gap,
)


def cones(n: int = 40, apart: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that share a content in 6 dimensions and differ by a constant along the seventh."""
    rng = np.random.default_rng(seed)
    content = rng.normal(size=(n, 6))
    sides = [
        np.concatenate([content + 0.2 * rng.normal(size=(n, 6)), np.full((n, 1), sign * apart)], 1)
        for sign in (1, -1)
    ]
    return tuple(side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)


def test_against_slow_loops() -> None:
    x, y = cones(12)
    found = modality_gap(x, y)
    assert found.distance == pytest.approx(np.linalg.norm(x.mean(0) - y.mean(0)))
    others = [(i, j) for i in range(12) for j in range(12) if i != j]
    assert found.within_images == pytest.approx(np.mean([x[i] @ x[j] for i, j in others]))
    assert found.within_texts == pytest.approx(np.mean([y[i] @ y[j] for i, j in others]))
    assert found.across == pytest.approx(np.mean([x[i] @ y[j] for i, j in others]))
    assert found.matched == pytest.approx(np.mean([x[i] @ y[i] for i in range(12)]))
    assert found.low < found.distance < found.high


def test_two_opposite_points_are_two_apart() -> None:
    x = np.tile([1.0, 0.0], (5, 1))
    found = modality_gap(x, -x)
    assert found.distance == pytest.approx(2) and found.low == found.high == pytest.approx(2)
    assert found.spread == pytest.approx(0)


def test_no_gap_stays_below_the_null() -> None:
    rng = np.random.default_rng(1)
    found = [
        modality_gap(*(_unit(rng.normal(size=(80, 5))) for _ in "xy"), seed=seed)
        for seed in range(40)
    ]
    above = sum(each.distance > each.null for each in found)
    assert above <= 6  # 5% of 40 expected


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_spread_is_the_wasserstein_distance_of_the_covariances() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 4)) @ np.diag([2, 1, 1, 0.1]) + 7
    a, b = (np.cov(side.T, bias=True) for side in (x, y))
    root = scipy.linalg.sqrtm(a)
    expected = np.trace(a + b - 2 * np.real(scipy.linalg.sqrtm(root @ b @ root)))
    assert spread_gap(x, y) == pytest.approx(expected)
    assert spread_gap(x, x + 3) == pytest.approx(0, abs=1e-10)


def test_moved_by_one_closes_and_by_nothing_changes_nothing() -> None:
    x, y = cones()
    assert np.allclose(np.stack(moved(x, y, 0.0)), [x, y], atol=1e-6)
    closed = moved(x, y, 1.0)
    before = np.linalg.norm(x.mean(0) - y.mean(0))
    assert np.linalg.norm(closed[0].mean(0) - closed[1].mean(0)) < 0.15 * before
    assert np.allclose(np.linalg.norm(closed[0], axis=1), 1, atol=1e-6)


def test_pairs_against_a_slow_ranking() -> None:
    x, y = cones(15)
    same = np.array([0, 0, *range(1, 14)])
    for amount, (_, image, text) in zip(AMOUNTS, close_pairs(x, y, same), strict=True):
        one, two = moved(x, y, amount)
        sim = one @ two.T
        for i in range(15):
            mine = [j for j in range(15) if same[j] == same[i]]
            others = [j for j in range(15) if same[j] != same[i]]
            best = max(sim[i, j] for j in mine)
            assert image[i] == 1 + sum(sim[i, j] >= best for j in others)
            best = max(sim[j, i] for j in mine)
            assert text[i] == 1 + sum(sim[j, i] >= best for j in others)


def test_equal_scores_count_against_the_truth() -> None:
    x = np.ones((4, 1))
    _, image, text = next(close_pairs(x, x, np.arange(4), amounts=[0.0]))
    assert image.tolist() == text.tolist() == [4] * 4


@given(st.integers(1, 9), st.integers(2, 5), st.integers(0, 99))
def test_classes_against_a_slow_search(n: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, c = _unit(rng.normal(size=(n, 3))), _unit(rng.normal(size=(classes, 3)))
    found = close_classes(x, c, [0.0, 0.7])
    gap = x.mean(0) - c.mean(0)
    for place, amount in enumerate((0.0, 0.7)):
        near = c + amount / 2 * gap
        near /= np.linalg.norm(near, axis=1, keepdims=True)
        sims = (x - amount / 2 * gap) @ near.T
        chosen = sims[np.arange(n), found[place]]
        assert np.allclose(chosen, sims.max(axis=1), atol=1e-5)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.ones((5, 2)), np.ones((5, 3))),
        (np.ones((3, 2)), np.ones((3, 2))),
        (np.full((5, 2), np.nan),) * 2,
    ],
)
def test_what_cannot_be_measured_is_refused(x: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(InputError):
        modality_gap(x, y)
