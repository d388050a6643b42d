"""Damage against plain loops and McNemar by hand; shifts and indices at their limits."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from workbench.errors import InputError
from workbench.experts.damage import beside, causal_index, damage, drawn, found_first, moved
from workbench.measures.compare import paired
from workbench.measures.retrieval import retrieval


def unit(rng, rows, dim=6):
    made = rng.normal(size=(rows, dim)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_damage_is_counted_group_by_group():
    rng = np.random.default_rng(0)
    truth, before, after = rng.integers(0, 4, (3, 200))
    group = rng.integers(-1, 5, 200)
    found = damage(group, truth, before, after, 6)
    for g in range(5):
        mine = [i for i in range(200) if group[i] == g]
        broken = sum(before[i] == truth[i] != after[i] for i in mine)
        fixed = sum(after[i] == truth[i] != before[i] for i in mine)
        assert (found.n[g], found.broken[g], found.fixed[g]) == (len(mine), broken, fixed)
        assert found.before[g] == pytest.approx(np.mean([before[i] == truth[i] for i in mine]))
        assert found.after[g] - found.before[g] == pytest.approx((fixed - broken) / len(mine))
        tail = 2 * binom.cdf(min(fixed, broken), fixed + broken, 0.5)
        assert found.p[g] == pytest.approx(min(1, tail))
        assert found.q[g] >= found.p[g] - 1e-12
    assert found.n[5] == 0 and np.isnan([found.p[5], found.q[5], found.before[5]]).all()


def test_damage_of_one_group_is_the_paired_comparison():
    rng = np.random.default_rng(1)
    truth, before, after = rng.integers(0, 3, (3, 500))
    found = damage(np.zeros(500, np.int64), truth, before, after, 1)
    whole = paired(truth, before, after)
    assert found.p[0] == found.q[0] == whole.p
    assert (found.fixed[0], found.broken[0]) == (len(whole.fixed), len(whole.broken))
    assert found.after[0] - found.before[0] == pytest.approx(whole.difference.value)


def test_damage_needs_the_same_images():
    three, two = np.zeros(3, np.int64), np.zeros(2, np.int64)
    with pytest.raises(InputError, match="3, 3, 2, 3"):
        damage(three, three, two, three, 1)


def test_shifts_at_their_limits():
    rows = unit(np.random.default_rng(2), 5)
    assert np.array_equal(moved(rows, rows), np.zeros(5))
    assert moved(rows, -rows) == pytest.approx(2)
    axes = np.eye(3, dtype=np.float32)
    assert moved(axes[:2], axes[1:]) == pytest.approx(1)
    other = unit(np.random.default_rng(3), 5)
    assert moved(rows, other) == pytest.approx(1 - np.sum(rows * other, axis=1), abs=1e-6)


def test_the_causal_index_is_gated_by_the_effect():
    found = causal_index([0.1, 0.0, 0.2, 1e-5, 0.0], [0.1, 0.3, 0.0, 9e-5, 0.0])
    assert found[:3] == pytest.approx([0, 1, -1]) and np.isnan(found[3:]).all()
    assert causal_index(1e-5, 9e-5, least=0) == pytest.approx(0.8)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_recall_is_that_of_the_retrieval_measures(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    images, texts = unit(rng, n), unit(rng, n)
    group = rng.integers(0, max(1, n // 2), n)
    first = {int(g): i for i, g in reversed(list(enumerate(group)))}
    texts = texts[[first[int(g)] for g in group]]  # equal texts have equal vectors
    found = retrieval(images, texts, np.arange(n), caption_text=group, resamples=2)
    up = found.tolerant_text_retrieval or found.text_retrieval
    down = found.tolerant_image_retrieval or found.image_retrieval
    assert found_first(images, texts, group, group).mean() == pytest.approx(up.names()["recall@1"])
    assert found_first(texts, images, group, group).mean() == pytest.approx(
        down.names()["recall@1"]
    )


def test_a_tie_with_a_wrong_result_is_not_found():
    query = np.array([[1, 0]], np.float32)
    gallery = np.array([[1, 0], [1, 0]], np.float32)
    assert not found_first(query, gallery, np.array([0]), np.array([0, 1])).any()
    assert found_first(query, gallery, np.array([0]), np.array([0, 0])).all()


def test_an_effect_beside_random_ones():
    found = beside(0.5, [0.1, 0.5, 0.3])
    assert (found.mean, found.low, found.high) == pytest.approx((0.3, 0.1, 0.5))
    assert found.share == 2 / 4
    assert beside(1.0, [0.1] * 9).share == 1 / 10
    alone = beside(0.5, [])
    assert np.isnan(alone.mean) and alone.share == 1


@pytest.mark.parametrize("seed", range(5))
def test_draws_are_other_experts_of_the_same_blocks(seed):
    off = ((1, 2), (1, 5), (3, 0))
    found = drawn(off, 8, 10, seed)
    assert len(set(found)) == len(found) == 10 and found == drawn(off, 8, 10, seed)
    for pick in found:
        assert [layer for layer, _ in pick] == [1, 1, 3] and list(pick) == sorted(set(pick))
        assert not set(pick) & set(off)


def test_draws_where_few_or_no_others_are_left():
    most = drawn(((0, 0), (0, 1), (0, 2)), 4, 50, 0)
    wanted = {tuple((0, e) for e in each) for each in combinations(range(4), 3)}
    assert set(most) == wanted - {((0, 0), (0, 1), (0, 2))}
    assert drawn(((0, 0), (0, 1)), 2, 5, 0) == ()
    assert drawn(((0, 0),), 8, 0, 0) == ()
