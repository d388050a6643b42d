"""Zipf's exponents: exact laws, drawn laws, and a likelihood summed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.longtail.zipf import ranked, zipf


@pytest.mark.parametrize("s", [0.7, 1.0, 1.4])
def test_an_exact_law_of_ranks_is_found(s: float) -> None:
    found = zipf(np.round(1e12 * np.arange(1.0, 501) ** -s))
    assert found.rank_exponent == pytest.approx(s, abs=1e-4)
    assert found.scale == pytest.approx(1e12, rel=1e-3) and found.r2 == pytest.approx(1)
    assert found.at(np.array([1, 10])) == pytest.approx([1e12, 1e12 * 10**-s], rel=1e-3)


def test_two_ranks_by_hand() -> None:
    found = zipf(np.array([25, 0, 100, np.nan]))
    assert (found.n, found.zeros, found.absent) == (2, 1, 1)
    assert (found.rank_exponent, found.scale, found.r2) == pytest.approx((2, 100, 1))


def drawn(alpha: float, n: int, seed: int, top: int = 2_000_000) -> np.ndarray:
    """Counts from P(k) ~ k^-alpha, k = 1..top, by the cumulated law itself."""
    law = np.cumsum(np.arange(1.0, top + 1) ** -alpha)
    return 1.0 + np.searchsorted(law / law[-1], np.random.default_rng(seed).random(n))


@pytest.mark.parametrize("alpha", [1.8, 2.0, 2.5])
def test_the_exponent_that_was_drawn_from_lies_in_its_interval(alpha: float) -> None:
    inside = 0
    for seed in range(20):
        found = zipf(drawn(alpha, 1500, seed), least=1).size_exponent
        inside += found.low <= alpha <= found.high
        assert found.value == pytest.approx(alpha, abs=0.15) and found.n == 1500
    assert inside >= 16


def test_it_is_the_most_likely_exponent_of_a_sum_by_hand() -> None:
    counts = drawn(2.2, 300, 1)
    counts = counts[counts >= 2]
    found = zipf(counts, least=2).size_exponent
    grid = np.arange(found.value - 0.01, found.value + 0.01, 0.001)
    ks = np.arange(2.0, 3_000_000)
    logs = [-len(counts) * np.log((ks**-a).sum()) - a * np.log(counts).sum() for a in grid]
    assert grid[int(np.argmax(logs))] == pytest.approx(found.value, abs=0.0011)
    # Clauset et al., equation 3.7: close to the discrete one for starts of 6 and more
    upper = drawn(2.2, 20_000, 2)
    upper = upper[upper >= 6]
    nearly = 1 + len(upper) / np.log(upper / 5.5).sum()
    assert zipf(upper, least=6).size_exponent.value == pytest.approx(nearly, abs=0.02)


def test_it_finds_where_the_law_begins() -> None:
    rng = np.random.default_rng(3)
    upper = drawn(2.3, 40_000, 4)
    upper = upper[upper >= 50][:400]
    counts = np.concatenate((upper, rng.integers(1, 50, 600)))
    found = zipf(counts)
    assert 30 <= found.least <= 90 and found.distance < 0.06
    assert found.size_exponent.low < 2.3 < found.size_exponent.high
    assert zipf(counts, least=1).distance > 0.2


def test_the_distance_is_the_largest_gap_of_the_shares_above() -> None:
    found = zipf(np.array([1.0, 1, 1, 1, 1, 2, 2, 5]), least=1)
    weights = np.arange(1.0, 3_000_000) ** -found.size_exponent.value
    law = weights.cumsum() / weights.sum()
    gaps = [abs(law[0] - 5 / 8), abs(law[1] - 7 / 8), abs(law[4] - 1)]
    assert found.distance == pytest.approx(max(gaps), abs=1e-4)


def test_ranks_are_for_plots() -> None:
    order, sizes = ranked(np.array([5, 0, 9, np.nan, 5, 1]))
    assert order.tolist() == [2, 0, 4, 5] and sizes.tolist() == [9, 5, 5, 1]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 999))
def test_the_order_is_irrelevant_and_scale_moves_only_the_scale(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = np.floor(10 ** rng.uniform(0, 4, 40))
    one, other = zipf(counts, least=1), zipf(rng.permutation(counts), least=1)
    assert other.rank_exponent == pytest.approx(one.rank_exponent)
    assert other.size_exponent.value == pytest.approx(one.size_exponent.value)
    ten = zipf(counts * 10, least=1)
    assert ten.rank_exponent == pytest.approx(one.rank_exponent)
    assert ten.scale == pytest.approx(one.scale * 10)


def test_without_two_counts_nothing_is_defined() -> None:
    for counts in ([], [0, 0], [7, 7, 7]):
        found = zipf(np.array(counts, float))
        assert np.isnan([found.rank_exponent, found.size_exponent.value, found.distance]).all()


def test_large_counts_do_not_overflow() -> None:
    found = zipf(np.round(3e9 / np.arange(1.0, 200)), least=10_000_000)
    assert 1 < found.size_exponent.low < found.size_exponent.value < 3


@pytest.mark.parametrize(
    ("counts", "least"), [([1.5], None), ([-1], None), ([[1]], None), ([1], 0)]
)
def test_what_are_no_counts_is_refused(counts: list, least: int | None) -> None:
    with pytest.raises(InputError, match="expected"):
        zipf(np.array(counts, float), least=least)
