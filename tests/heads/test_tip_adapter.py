from __future__ import annotations

import numpy as np
import pytest

from workbench.heads import mean
from workbench.heads.head import ArrayImages, Material, Support
from workbench.heads.support import held_out
from workbench.heads.tip_adapter import ALPHAS, BETAS, Params, prepare


def _unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _material(texts, vectors, labels, scale: float = 100.0) -> Material:
    support = Support(vectors, np.asarray(labels))
    starts = np.arange(len(texts) + 1)
    return Material(ArrayImages(vectors[:0]), texts, starts, scale, support=support)


def _cache(material: Material, queries: np.ndarray, params: Params) -> np.ndarray:
    plain = mean.prepare(material, mean.Params()).logits(queries, 0)
    return prepare(material, params).logits(queries, 0) - plain


def test_the_worked_example() -> None:
    keys = np.eye(2, dtype=np.float32)
    x = np.ones((1, 2), np.float32) / np.sqrt(np.float32(2))
    found = _cache(_material(keys, keys, [0, 1]), x, Params(alpha=1.17, beta=1))
    assert np.allclose(found, [[0.8729, 0.8729]], atol=5e-5)


def test_without_weight_it_is_the_mean_head_to_the_bit() -> None:
    material, queries = _material(_unit(4), _unit(12, seed=1), np.arange(12) % 4), _unit(9, seed=2)
    plain = mean.prepare(material, mean.Params()).logits(queries, 0)
    assert np.array_equal(prepare(material, Params(alpha=0)).logits(queries, 0), plain)


def test_very_sharp_only_exact_duplicates_count() -> None:
    keys = _unit(12, seed=1)
    queries = np.concatenate([keys[:3], _unit(3, seed=2)])
    found = _cache(_material(_unit(4), keys, np.arange(12) % 4), queries, Params(1.0, 1000.0))
    assert np.allclose(found[:3], np.eye(4)[:3], atol=1e-3)
    assert np.abs(found[3:]).max() < 1e-4


@pytest.mark.parametrize("balance", [False, True])
def test_agrees_with_a_slow_loop_for_shots_that_differ(balance: bool) -> None:
    keys, labels, queries = _unit(10, seed=1), [3, 0, 0, 3, 3, 3, 1, 0, 3, 1], _unit(7, seed=2)
    material = _material(_unit(5), keys, labels, scale=1.0)
    found = _cache(material, queries, Params(alpha=2, beta=3, balance=balance))
    shots = {0: 3, 1: 2, 3: 5}
    slow = np.zeros((7, 5))
    for key, label in zip(keys, labels, strict=True):
        weight = (10 / 3) / shots[label] if balance else 1
        slow[:, label] += 2 * weight * np.exp(-3 * (1 - queries @ key))
    assert np.allclose(found, slow, atol=1e-4)


def test_with_equal_shots_balancing_changes_nothing() -> None:
    material, queries = _material(_unit(4), _unit(12, seed=1), np.arange(12) % 4), _unit(9, seed=2)
    pair = [_cache(material, queries, Params(balance=b)) for b in (True, False)]
    assert np.array_equal(*pair)


def test_the_search_finds_what_a_slow_search_over_the_held_out_part_finds() -> None:
    centres, labels = _unit(4, seed=5), np.arange(40) % 4
    keys = centres[labels] + 0.6 * np.random.default_rng(6).normal(size=(40, 8))
    keys = (keys / np.linalg.norm(keys, axis=1, keepdims=True)).astype(np.float32)
    material = _material(_unit(4), keys, labels, scale=3.0)
    scorer = prepare(material, Params(search=True))
    held = held_out(labels, 0.5, seed=0)
    part = _material(material.texts, keys[~held], labels[~held], scale=3.0)
    right = {}
    for alpha in ALPHAS:
        for beta in BETAS:
            logits = prepare(part, Params(alpha, beta)).logits(keys[held], 0)
            right[alpha, beta] = (logits.argmax(axis=1) == labels[held]).sum()
    assert right[scorer.alpha, scorer.beta] == max(right.values()) > right[0.0, 1.0]
    assert len(scorer.cache.labels) == 40


def test_one_shot_cannot_be_searched_and_keeps_the_given_values() -> None:
    scorer = prepare(_material(_unit(3), _unit(3, seed=1), [2, 0, 1]), Params(search=True))
    assert (scorer.alpha, scorer.beta) == (1.17, 1.0)
    assert scorer.parts(_unit(1)[0], 0, 0) is None
