from __future__ import annotations

import numpy as np
import pytest

from tests.experts.made import of_inputs
from workbench.errors import InputError
from workbench.experts.saturation import marginal_saturation, saturation, saturation_of_inputs


def choices(rng, tokens, top_k, experts):
    return np.stack([rng.permutation(experts)[:top_k] for _ in range(tokens)])


def test_saturation_is_the_sets_in_common_written_out():
    rng = np.random.default_rng(0)
    then, last = choices(rng, 300, 3, 8), choices(rng, 300, 3, 8)
    got = saturation(then, last)
    slow = [len(set(a) & set(b)) / 3 for a, b in zip(then.tolist(), last.tolist(), strict=True)]
    assert got.value == pytest.approx(np.mean(slow)) and got.tokens == 300
    firsts = zip(then[:, 0], last[:, 0], strict=True)
    assert got.first == pytest.approx(np.mean([a == b for a, b in firsts]))
    # drawn independently: at chance
    assert got.value == pytest.approx(got.chance, abs=0.05)


def test_limits():
    rng = np.random.default_rng(1)
    then = choices(rng, 50, 2, 4)
    assert saturation(then, then[:, ::-1]).value == 1
    assert saturation(then, then).first == 1 and saturation(then, then[:, ::-1]).first == 0
    one = np.zeros((50, 1), int)
    assert saturation(one, one).chance == 1 and saturation(one, one + 1).value == 0
    nothing = saturation(np.zeros((0, 2), int), np.zeros((0, 2), int))
    assert np.isnan(nothing.value) and nothing.tokens == 0
    with pytest.raises(InputError, match="T, K"):
        saturation(then, then[:, :1])


def test_inputs_bound_it_from_above():
    rng = np.random.default_rng(2)
    then, last = rng.integers(0, 3, (2, 40, 5))  # 40 inputs of five tokens
    hard = [
        np.stack([np.bincount(each, minlength=3) for each in side])[:, None]
        for side in (then, last)
    ]
    rows, modality = np.arange(40) // 2, np.tile(np.array([0, 1], np.int8), 20)
    one, two = (of_inputs(rows, modality, h, h).inputs for h in hard)
    got = saturation_of_inputs(one, two)
    for m in (0, 1):
        mine = modality == m
        exact = saturation(then[mine].reshape(-1, 1), last[mine].reshape(-1, 1)).value
        slow = np.minimum(hard[0][mine], hard[1][mine]).sum() / (5 * 20)
        assert got[0, m] == pytest.approx(slow) and got[0, m] >= exact
    assert saturation_of_inputs(one, one) == pytest.approx(np.ones((1, 2)))
    moved = of_inputs(rows + 100, modality, hard[0], hard[0]).inputs
    assert np.isnan(saturation_of_inputs(one, moved)).all()
    with pytest.raises(InputError, match="layers and experts"):
        other = of_inputs(rows, modality, hard[0][..., :2], hard[0][..., :2]).inputs
        saturation_of_inputs(one, other)


def test_shares_settle_on_those_of_the_last_look():
    hard = np.array([[[[4, 0], [0, 4]]], [[[2, 3], [2, 1]]], [[[0, 4], [4, 0]]]])
    got = marginal_saturation(hard)
    assert got.shape == (3, 1, 2)
    assert got[:, 0, 0].tolist() == [0, 0.5, 1] and got[:, 0, 1].tolist() == [0, 0.75, 1]
    assert marginal_saturation(np.zeros((2, 0, 0, 2))).shape == (2, 0, 2)
