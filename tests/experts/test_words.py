from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.experts.words import lifts, vocabulary


def test_lift_is_the_share_of_a_word_over_the_share_of_all():
    got = lifts(np.array([30, 5, 0, 0]), np.array([40, 50, 10, 0]), 35, 100)
    assert got.rate == 0.35
    assert got.lift[:3] == pytest.approx([0.75 / 0.35, 0.1 / 0.35, 0])
    assert (got.low <= got.lift + 1e-12)[:3].all() and (got.lift <= got.high + 1e-12)[:3].all()
    assert np.isnan([got.lift[3], got.low[3]]).all() and got.order.tolist() == [0, 1, 2, 3]


def test_one_use_ranks_below_many():
    got = lifts(np.array([1, 45]), np.array([1, 50]), 46, 200)
    assert got.lift[0] > got.lift[1] and got.order.tolist() == [1, 0]


def test_the_interval_holds_the_lift_of_words_drawn_by_lot():
    rng = np.random.default_rng(0)
    base = rng.integers(40, 200, 2000)
    got = lifts(rng.binomial(base, 0.3), base, 0.3 * base.sum(), base.sum())
    assert np.mean((got.low <= 1) & (got.high >= 1)) == pytest.approx(0.95, abs=0.02)


def test_an_expert_without_words_has_no_lift():
    got = lifts(np.zeros(2), np.array([3, 4]), 0, 7)
    assert np.isnan(got.lift).all() and got.rate == 0
    assert np.isnan(lifts(np.zeros(0), np.zeros(0), 0, 0).rate)
    with pytest.raises(InputError, match="no more uses"):
        lifts(np.array([5]), np.array([4]), 5, 10)


def test_words_that_each_have_their_expert_score_one():
    counts = np.repeat(np.eye(4) * 20, 3, axis=1)
    got = vocabulary(counts)
    assert got.value == 1 and got.words == 12 and got.high < 0.6
    assert got.owner.tolist() == np.repeat(np.arange(4), 3).tolist()


def test_a_random_router_is_at_its_simulated_chance_and_not_at_one_in_e():
    rng = np.random.default_rng(1)
    uses = rng.integers(10, 60, 300)
    rates = np.array([0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
    counts = rng.multinomial(uses, rates).T
    got = vocabulary(counts)
    assert got.value == pytest.approx(got.chance, abs=0.02) and got.value < got.high + 0.01
    assert got.chance > 1.5 / 6
    rates = counts.sum(axis=1) / counts.sum()
    slow = [
        np.mean([np.bincount(rng.choice(6, n, p=rates)).max() / n for n in uses]) for _ in range(20)
    ]
    assert got.chance == pytest.approx(np.mean(slow), abs=0.01)


def test_rare_words_are_left_out():
    counts = np.array([[1, 9, 12], [0, 0, 8]])
    got = vocabulary(counts)
    assert got.words == 1 and got.value == pytest.approx(0.6)
    assert got.owner.tolist() == [-1, -1, 0] and np.isnan(got.share[:2]).all()
    nothing = vocabulary(counts, least=30)
    assert nothing.words == 0 and np.isnan([nothing.value, nothing.chance]).all()
    assert vocabulary(counts, seed=3).chance == vocabulary(counts, seed=3).chance
    with pytest.raises(InputError, match="simulations"):
        vocabulary(counts, draws=0)
