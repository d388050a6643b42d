from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.head import ArrayImages, Material
from workbench.heads.roboshot import Params, orthonormal, prepare, steer

NONE = np.zeros((0, 3), np.float32)
Q = np.array([[0, 1, 0]], np.float32)


def _unit(n: int, d: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_worked_example() -> None:
    x = np.array([[1, 1, 0]], np.float32) / np.sqrt(np.float32(2))
    assert np.allclose(steer(x, Q, NONE), [[1, 0, 0]], atol=1e-6)
    assert np.allclose(steer(x, NONE, Q), [[0.4472, 0.8944, 0]], atol=1e-4)


def test_rejecting_twice_is_rejecting_once_but_accepting_twice_is_more() -> None:
    x, q = _unit(20, 8), orthonormal(_unit(3, 8, seed=1))
    none = np.zeros((0, 8), np.float32)
    once = steer(x, q, none)
    assert np.abs(once @ q.T).max() < 1e-6
    assert np.allclose(steer(once, q, none), once, atol=1e-6)
    assert not np.allclose(steer(steer(x, none, q), none, q), steer(x, none, q), atol=1e-2)
    assert np.array_equal(steer(x, none, none), x)


def test_all_directions_at_once_equal_the_papers_one_after_another() -> None:
    x = _unit(20, 8).astype(np.float64)
    reject, accept = (orthonormal(_unit(3, 8, seed=s)) for s in (1, 2))
    slow = x.copy()
    for sign, rows in ((-1, reject), (1, accept)):
        for q in rows:
            slow += sign * np.outer(slow @ q, q)
            slow /= np.linalg.norm(slow, axis=1, keepdims=True)
    assert np.allclose(steer(x.astype(np.float32), reject, accept), slow, atol=1e-5)


def test_the_directions_span_what_qr_spans() -> None:
    rows = np.random.default_rng(3).normal(size=(4, 10)).astype(np.float32)
    q = np.linalg.qr(rows.T)[0]
    ours = orthonormal(rows)
    assert np.allclose(ours.T @ ours, q @ q.T, atol=1e-5)
    assert np.allclose(ours @ ours.T, np.eye(4), atol=1e-5)


def test_directions_that_say_nothing_new_are_left_out() -> None:
    rows = np.array([[2, 0, 0], [0, 0, 0], [-4, 0, 0], [1, 0, 1]], np.float32)
    assert np.allclose(orthonormal(rows), [[1, 0, 0], [0, 0, 1]], atol=1e-6)
    assert orthonormal(np.zeros((2, 3), np.float32)).shape == (0, 3)
    assert len(orthonormal(np.eye(3, dtype=np.float32).repeat(2, axis=0))) == 3


def test_an_image_wholly_inside_what_is_rejected_becomes_zero() -> None:
    assert np.array_equal(steer(Q, Q, NONE), np.zeros((1, 3)))
    assert np.array_equal(steer(Q, Q, Q), np.zeros((1, 3)))


def _material(pairs, *, bias: float | None = None) -> Material:
    texts, images = _unit(10, 8, seed=4), ArrayImages(_unit(5, 8))
    return Material(images, texts, np.array([0, 3, 4, 10]), 10.0, bias, pairs=pairs)


def test_the_head_scores_steered_images_and_its_parts_sum_to_the_score() -> None:
    x, reject, accept = _unit(5, 8), _unit(2, 8, seed=5), _unit(1, 8, seed=6)
    scorer = prepare(_material((reject, accept), bias=-3.0), Params())
    plain = mean.prepare(_material(None, bias=-3.0), mean.Params())
    steered = steer(x, orthonormal(reject), orthonormal(accept))
    found = scorer.logits(x, 0)
    assert np.allclose(found, plain.logits(steered, 0), atol=1e-5)
    for place in range(3):
        parts = scorer.parts(x[1], place, 1)
        assert parts is not None
        assert parts.sum() + scorer.shared == pytest.approx(found[1, place], abs=1e-4)


def test_without_a_direction_it_is_the_mean_head() -> None:
    none = np.zeros((0, 8), np.float32)
    found = prepare(_material((none, none)), Params()).logits(_unit(5, 8), 0)
    plain = mean.prepare(_material(None), mean.Params()).logits(_unit(5, 8), 0)
    assert np.array_equal(found, plain)


@pytest.mark.parametrize("side", [np.zeros((1, 7)), np.full((1, 8), np.nan), np.zeros(8)])
def test_pairs_that_do_not_fit_and_none_are_refused(side: np.ndarray) -> None:
    with pytest.raises(InputError, match="finite differences"):
        prepare(_material((np.zeros((0, 8)), side)), Params())
    with pytest.raises(InputError, match="pairs of texts"):
        prepare(_material(None), Params())
