from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.longtail import balance

COUNTS = np.array([10_000, 40_000, 200_000])

worlds = st.integers(1, 5).flatmap(
    lambda concepts: st.tuples(
        st.just(concepts),
        st.lists(st.sets(st.integers(0, concepts - 1)), min_size=1, max_size=30),
    )
)


def pairs_of(captions):
    flat = [(i, c) for i, found in enumerate(captions) for c in sorted(found)]
    return np.array([i for i, _ in flat], int), np.array([c for _, c in flat], int)


def test_the_worked_example_of_the_paper_s_code():
    assert balance.probabilities(COUNTS, 20_000) == pytest.approx([1, 0.5, 0.1])
    keep = balance.keep_probability([0, 0, 1, 3], [1, 2, 2, 0], COUNTS, 20_000, 5)
    assert keep == pytest.approx([0.55, 0.1, 0, 1, 0])


def test_an_infinite_cap_and_a_concept_without_captions():
    assert list(balance.probabilities([0, 5], math.inf)) == [1, 1]
    assert list(balance.probabilities([0, 5], 0.5)) == [1, 0.1]


@given(worlds, st.integers(1, 12))
def test_keep_probability_against_a_slow_loop(world, cap):
    concepts, captions = world
    caption, concept = pairs_of(captions)
    counts = [sum(c in found for found in captions) for c in range(concepts)]
    expected = []
    for found in captions:
        missed = 1.0
        for c in found:
            missed *= 1 - min(1, cap / counts[c])
        expected.append(1 - missed)
    got = balance.keep_probability(caption, concept, counts, cap, len(captions))
    assert got == pytest.approx(expected)


@given(worlds, st.integers(1, 12), st.integers(0, 30), st.integers(0, 9))
def test_a_corpus_in_two_parts_gives_one_sample(world, cap, cut, seed):
    concepts, captions = world
    counts = np.array([sum(c in found for found in captions) for c in range(concepts)])
    whole = balance.effective(*pairs_of(captions), counts, cap, len(captions), seed=seed)
    cut = min(cut, len(captions))
    parts = [
        balance.effective(*pairs_of(part), counts, cap, len(part), seed=seed, first=first)
        for first, part in ((0, captions[:cut]), (cut, captions[cut:]))
    ]
    both = parts[0] + parts[1]
    assert list(both.before) == list(whole.before) == list(counts)
    assert list(both.actual) == list(whole.actual)
    assert both.expected == pytest.approx(whole.expected)
    assert (both.kept, both.matched, both.captions) == (whole.kept, whole.matched, len(captions))


@given(worlds, st.integers(1, 12))
def test_a_concept_keeps_at_least_the_cap_in_the_mean(world, cap):
    concepts, captions = world
    counts = np.array([sum(c in found for found in captions) for c in range(concepts)])
    found = balance.effective(*pairs_of(captions), counts, cap, len(captions))
    assert (found.expected >= np.minimum(counts, cap) - 1e-9).all()
    assert found.alone == pytest.approx(np.minimum(counts, cap))
    assert found.kept_expected <= found.matched + 1e-9
    assert [counts[c] for c in found.cut] == sorted((n for n in counts if n > cap), reverse=True)


def test_all_counts_below_the_cap_keep_all_that_match():
    found = balance.effective([0, 0, 1, 4], [0, 1, 1, 0], [2, 2], 2, 6)
    assert (found.kept, found.matched, found.captions) == (3, 3, 6)
    assert list(found.actual) == list(found.before) == [2, 2]
    assert not len(found.cut)


def test_the_sample_has_the_size_it_should():
    captions = 20_000
    caption = np.arange(captions)
    concept = (caption % 10 == 0).astype(int)  # 18,000 and 2,000
    found = balance.effective(caption, concept, np.bincount(concept), 3000, captions, seed=3)
    assert found.kept_expected == pytest.approx(5000)
    assert found.actual[1] == 2000
    assert abs(found.actual[0] - 3000) < 4 * math.sqrt(18_000 * (1 / 6) * (5 / 6))


def test_a_pair_that_comes_twice_counts_once():
    once = balance.keep_probability([0], [0], [4], 1, 1)
    twice = balance.keep_probability([0, 0], [0, 0], [4], 1, 1)
    assert list(once) == list(twice) == pytest.approx([0.25])


def test_the_tail_s_share_and_its_cap():
    counts = np.array([10, 20, 30, 40])
    assert balance.tail_share(counts, 30) == pytest.approx(0.3)
    assert balance.cap_for_tail(counts, 0.3) == 20
    assert balance.cap_for_tail(counts, 0.31) == 20
    assert balance.cap_for_tail(counts, 1) == 40
    assert math.isnan(balance.tail_share([0, 0], 3))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.floats(0.01, 1))
def test_the_cap_for_a_share_keeps_that_share(counts, share):
    if not sum(counts):
        counts[0] = 1
    cap = balance.cap_for_share(counts, share)
    assert sum(min(n, cap) for n in counts) == pytest.approx(share * sum(counts))


def test_the_cap_for_captions_is_the_smallest_that_does():
    captions = [{0}] * 50 + [{0, 1}] * 10 + [{1}] * 5 + [set()] * 7
    caption, concept = pairs_of(captions)
    counts = [60, 15]
    cap = balance.cap_for_captions(caption, concept, counts, 0.6)

    def kept(t):
        return balance.keep_probability(caption, concept, counts, t, len(captions)).sum()

    assert kept(cap) >= 0.6 * 65 > kept(cap - 1)
    assert balance.cap_for_captions(caption, concept, counts, 1.0) == 60


def test_retrieval_is_balanced_and_takes_the_nearest():
    caption, concept = np.array([5, 6, 7, 8, 6]), np.array([0, 0, 0, 1, 1])
    near = np.array([0.1, 0.3, 0.2, -0.5, 0.4])
    got = balance.retrieve(caption, concept, 3, 2, closeness=near)
    assert list(zip(*(a.tolist() for a in got), strict=True)) == [(6, 0), (7, 0), (6, 1)]
    drawn = balance.retrieve(caption, concept, 3, 2, seed=1)
    assert list(drawn[1]) == [0, 0, 1, 1]
    again = balance.retrieve(caption[::-1], concept[::-1], 3, 2, seed=1)
    assert [a.tolist() for a in again] == [a.tolist() for a in drawn]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: balance.probabilities([1, float("nan")], 1), "at place 1"),
        (lambda: balance.probabilities([1, -2], 1), "-2.0 at place 1"),
        (lambda: balance.probabilities([1], 0), "above 0"),
        (lambda: balance.distinct_pairs([0], [2], 2), r"in \[0, 2\)"),
        (lambda: balance.distinct_pairs([0, 1], [0], 2), "two lists"),
        (lambda: balance.keep_probability([3], [0], [1], 1, 3), "numbers below 3"),
        (lambda: balance.cap_for_share([1], 0), "above 0"),
        (lambda: balance.cap_for_tail([0], 0.5), "a concept with captions"),
        (lambda: balance.retrieve([0], [0], 1, 0), "at least 1"),
        (lambda: balance.retrieve([0, 0], [0, 0], 1, 1, closeness=[1, 1]), "distinct"),
    ],
)
def test_what_cannot_be_used_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
