from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.experts.specificity import benjamini_hochberg, members_of, specificity


def drawn(labels, prefer, *, tokens=16, seed=0, spread=1.0):
    """Inputs with an even chance for four experts, but ``prefer[class]`` goes to one of them."""
    rng = np.random.default_rng(seed)
    hard = np.zeros((len(labels), 4))
    for i, label in enumerate(labels):
        q = np.full(4, 0.25)
        if label in prefer:
            q = q * 0.4 + 0.6 * np.eye(4)[prefer[label]]
        hard[i] = rng.multinomial(tokens, rng.dirichlet(q * 4 * spread))
    return hard


def test_a_planted_preference_is_found_and_nothing_else():
    labels = np.repeat(np.arange(10), 30)
    got = specificity(drawn(labels, {3: 1, 7: 2}), members_of(labels), 10)
    assert sorted(zip(*np.nonzero(got.q <= 0.01), strict=True)) == [(1, 3), (2, 7)]
    assert got.top(1).tolist() == [3] and got.top(2).tolist() == [7] and not len(got.top(0))
    assert got.lift[1, 3] > 2 and (got.n == 30).all()


def test_shares_and_lift_are_the_loops():
    rng = np.random.default_rng(1)
    labels = rng.integers(-1, 4, 60)
    hard = rng.integers(0, 5, (60, 3))
    got = specificity(hard, members_of(labels), 4)
    for c, e in itertools.product(range(4), range(3)):
        each = [row[e] / row.sum() for row, mine in zip(hard, labels, strict=True) if mine == c]
        whole = np.mean([row[e] / row.sum() for row in hard if row.sum()])
        assert got.share[e, c] == pytest.approx(np.mean(each))
        assert got.lift[e, c] == pytest.approx(np.mean(each) / whole)


@pytest.mark.parametrize("size, spread", [(5, 0.3), (8, 1.0), (20, 0.2)])
def test_p_is_that_of_draws_by_lot(size, spread):
    """Against shuffles of the labels themselves, for skewed shares and few inputs."""
    rng, compared = np.random.default_rng(0), []
    for seed in range(12):
        hard = drawn([1] * 60, {}, spread=spread, seed=seed)
        x = hard / hard.sum(axis=1, keepdims=True)
        orders = rng.permuted(np.tile(np.arange(60), (5000, 1)), axis=1)
        lot = x[orders[:, :size]].mean(axis=1)
        chosen = np.argsort(-x[:, 0] * rng.random(60))[:size]  # some like expert 0 more, some less
        got = specificity(hard, (chosen, np.zeros(size, np.int64)), 1).p[:, 0]
        slow = (lot >= x[chosen].mean(axis=0) - 1e-12).mean(axis=0)
        compared += list(zip(got, slow, strict=True))
    got, slow = np.array(compared).T
    assert ((slow < 0.05).sum() >= 4) and (slow > 0.5).sum() >= 4
    assert np.abs(got - slow)[slow < 0.1].max() < 0.012
    assert np.abs(got - slow).max() < 0.05


def test_without_a_relation_p_is_even_although_tokens_go_together():
    p = []
    for seed in range(60):
        labels = np.random.default_rng(seed).integers(0, 5, 120)
        hard = drawn(labels, {}, seed=1000 + seed, spread=0.3)
        p.append(specificity(hard, members_of(labels), 5).p.ravel())
    found = np.concatenate(p)
    assert np.mean(found <= 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean(found <= 0.5) == pytest.approx(0.5, abs=0.05)


def test_counting_tokens_would_have_found_what_is_not_there():
    """The reason for testing inputs: one token more or less is no evidence."""
    labels = np.random.default_rng(0).integers(0, 5, 120)
    hard = drawn(labels, {}, seed=1, spread=0.05, tokens=64)
    total, mine = hard.sum(), hard[labels == 0].sum()
    z = []
    for e in range(4):
        rate = hard[:, e].sum() / total
        z.append((hard[labels == 0, e].sum() / mine - rate) / np.sqrt(rate * (1 - rate) / mine))
    assert max(z) > 3
    assert (specificity(hard, members_of(labels), 5).q[:, 0] > 0.05).all()


def test_concepts_may_overlap_and_inputs_may_have_none():
    hard = drawn(np.repeat([0, 1], 20), {0: 1})
    who = np.concatenate([np.arange(20), np.arange(10, 30)])
    got = specificity(hard, (who, np.repeat([0, 1], 20)), 3)
    assert got.n.tolist() == [20, 20, 0] and got.q[1, 0] < 0.01
    assert np.isnan(got.share[:, 2]).all() and np.isnan(got.p[:, 2]).all()


def test_what_cannot_be_tested_is_no_number():
    hard = np.array([[2, 2, 0]] * 10 + [[4, 0, 0]] * 6 + [[0, 0, 0]])
    labels = np.array([0] * 10 + [1] * 4 + [2] * 2 + [1])
    got = specificity(hard, members_of(labels), 3)
    assert got.n.tolist() == [10, 4, 2]
    assert np.isnan(got.p[:, 1:]).all()  # too few
    assert np.isnan(got.p[2]).all() and np.isnan(got.lift[2]).all()  # an expert nobody chose
    everyone = specificity(hard[:10], members_of(labels[:10]), 1)
    assert np.isnan(everyone.p).all() and everyone.lift[0, 0] == 1
    nothing = specificity(np.zeros((0, 3)), members_of(np.zeros(0, np.int64)), 2)
    assert np.isnan(nothing.q).all() and nothing.n.tolist() == [0, 0]


def test_members_out_of_range_are_refused():
    hard = np.ones((3, 2))
    for who, what in (([3], [0]), ([0], [2]), ([-1], [0]), ([0, 1], [0])):
        with pytest.raises(InputError, match="below 3 and a class below 2"):
            specificity(hard, (np.array(who), np.array(what)), 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_values_are_the_step_up_of_the_paper(p):
    """q is the lowest rate at which the rule rejects: least over i >= rank of p m / i."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    slow = [0.0] * len(p)
    for rank, i in enumerate(order):
        slow[i] = min(1.0, *(p[order[j]] * len(p) / (j + 1) for j in range(rank, len(p))), 1.0)
    got = benjamini_hochberg(np.array([*p, np.nan]))
    assert got[:-1] == pytest.approx(slow) and np.isnan(got[-1])
