from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.experts.made import recorded
from workbench.errors import InputError
from workbench.experts.entropies import effective, entropies, entropy, normalised, shortfall

PROBABILITIES = arrays(float, (7, 5), elements=st.floats(0.01, 1)).map(
    lambda a: a / a.sum(axis=1, keepdims=True)
)


def slowly(row):
    return -sum(p * math.log(p) for p in row if p > 0)


@given(PROBABILITIES)
def test_entropy_is_the_sum_written_out_and_bounded(p):
    assert np.allclose(entropy(p), [slowly(row) for row in p])
    assert ((entropy(p) >= 0) & (entropy(p) <= math.log(5) + 1e-12)).all()
    # concavity: tokens are on average no less decided than their average
    assert entropy(p).mean() <= entropy(p.mean(axis=0)) + 1e-12


def test_limits():
    assert entropy(np.array([1.0, 0, 0])) == 0 and not np.signbit(entropy(np.array([1.0, 0])))
    assert effective(np.full(8, 1 / 8)) == pytest.approx(8)
    assert effective(np.array([0.5, 0, 0.5])) == pytest.approx(2)
    assert np.isnan(entropy(np.full(3, np.nan)))
    assert np.isnan(normalised(np.zeros(3))).all()
    assert normalised(np.array([[1, 3], [0, 0]]), axis=1)[0].tolist() == [0.25, 0.75]


def test_the_hinge_is_zero_from_s_experts_on_and_ln_s_for_one():
    for s in (1, 2, 4, 8):
        even = np.array([1 / s] * s + [0] * (8 - s))
        assert shortfall(entropy(even), s) == pytest.approx(0, abs=1e-12)
        assert shortfall(entropy(np.eye(8)[0]), s) == pytest.approx(math.log(s))
    assert shortfall(np.array(math.log(8)), 2) == 0
    with pytest.raises(InputError, match="at least 1"):
        shortfall(np.zeros(1), 0.5)


@pytest.mark.parametrize("decided", [True, False])
def test_information_within_a_modality(decided):
    """Decided tokens spread over four experts tell ln 4; tokens all of one mind tell nothing."""
    found = recorded([0.25] * 4, [0.25] * 4, pairs=400)
    each = 0.0 if decided else math.log(4)
    found = replace(found, entropy=found.tokens * each)
    got = entropies(found)
    assert got.local == pytest.approx(np.full((1, 2), each))
    assert got.soft == pytest.approx(np.full((1, 2), math.log(4)), abs=0.01)
    assert got.within == pytest.approx(np.full((1, 2), math.log(4) - each), abs=0.01)
    assert (got.within >= 0).all() and got.most == pytest.approx(math.log(4))


def test_no_tokens_and_no_probabilities_are_no_numbers():
    found = recorded([0.5, 0.5], [0.5, 0.5], pairs=5, tokens=(4, 0))
    found = replace(found, soft=np.full_like(found.soft, np.nan))
    got = entropies(found)
    assert np.isnan(got.local[0, 1]) and np.isnan(got.hard[0, 1]) and np.isnan(got.soft).all()
    assert not np.isnan(got.hard[0, 0])
