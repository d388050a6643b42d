from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.longtail.misalignment import misalignment, tags

CONCEPTS = 4
sides = st.lists(
    st.tuples(
        st.sets(st.integers(0, CONCEPTS - 1)),
        st.sets(st.integers(0, CONCEPTS - 1)),
    ),
    max_size=25,
)


def pairs_of(side):
    flat = [(i, c) for i, found in enumerate(side) for c in sorted(found)]
    return np.array([i for i, _ in flat], int), np.array([c for _, c in flat], int)


def found_of(samples):
    text, image = ([each[i] for each in samples] for i in (0, 1))
    return misalignment(pairs_of(text), pairs_of(image), concepts=CONCEPTS, samples=len(samples))


def test_a_corpus_worked_by_hand():
    samples = [({0}, {0}), ({0, 1}, {2}), ({1}, set()), (set(), {3}), ({2}, {2, 3}), (set(),) * 2]
    found, apart = found_of(samples)
    assert list(found.text) == [2, 2, 1, 0]
    assert list(found.image) == [1, 0, 2, 2]
    assert list(found.integrated) == [1, 0, 1, 0]
    assert (found.with_text, found.with_image, found.with_both) == (4, 4, 3)
    assert found.apart == 1 and list(apart) == [1]
    assert found.by_index == pytest.approx(1 / 4)
    assert found.by_corpus == pytest.approx(1 / 6)
    assert found.by_both == pytest.approx(1 / 3)


@given(sides)
def test_against_sets(samples):
    found, apart = found_of(samples)
    expected = [i for i, (t, v) in enumerate(samples) if t and v and not t & v]
    assert list(apart) == expected and found.apart == len(expected)
    for c in range(CONCEPTS):
        assert found.text[c] == sum(c in t for t, _ in samples)
        assert found.image[c] == sum(c in v for _, v in samples)
        assert found.integrated[c] == sum(c in t & v for t, v in samples)
    assert (found.integrated <= np.minimum(found.text, found.image)).all()


@given(sides, st.integers(0, 25))
def test_parts_add_up(samples, cut):
    whole, _ = found_of(samples)
    both = found_of(samples[:cut])[0] + found_of(samples[cut:])[0]
    assert list(both.integrated) == list(whole.integrated)
    assert both.by_index == pytest.approx(whole.by_index, nan_ok=True)
    assert (both.samples, both.with_both) == (whole.samples, whole.with_both)


def test_the_order_and_repetition_of_pairs_do_not_matter():
    text, image = ([0, 0, 1], [1, 0, 2]), ([1, 0], [3, 1])
    once, _ = misalignment(text, image, concepts=4, samples=2)
    again, _ = misalignment(
        tuple(np.tile(each, 2)[::-1] for each in text), image, concepts=4, samples=2
    )
    assert list(once.text) == list(again.text) == [1, 1, 1, 0]
    assert once.apart == again.apart == 1


def test_an_empty_corpus():
    found, apart = misalignment(([], []), ([], []), concepts=2, samples=0)
    assert not len(apart) and math.isnan(found.by_index) and math.isnan(found.by_corpus)


def test_the_published_degree_of_cc3m():
    # 557,683 samples apart of 3,318,333; the paper's code divides by its image index as well
    nothing = np.zeros(1, int)
    found, _ = misalignment(([], []), ([], []), concepts=1, samples=0)
    published = found + type(found)(nothing, nothing, nothing, 3_318_333, 0, 0, 0, 557_683)
    assert published.by_corpus == pytest.approx(0.168, abs=5e-4)


def test_tags_are_the_scores_at_or_above_the_threshold():
    sample, concept = tags(np.array([[0.7, 0.2], [0.1, 0.9]]), 0.7, first=10)
    assert list(zip(sample.tolist(), concept.tolist(), strict=True)) == [(10, 0), (11, 1)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: misalignment(([2], [0]), ([], []), concepts=1, samples=2), "numbers below 2"),
        (lambda: misalignment(([0], [1]), ([], []), concepts=1, samples=2), r"in \[0, 1\)"),
        (lambda: misalignment(([], []), ([], []), concepts=0, samples=2), "at least one"),
        (lambda: tags(np.array([[math.nan]]), 0.5), "NaN"),
        (lambda: tags(np.zeros(3), 0.5), "shape"),
    ],
)
def test_what_cannot_be_used_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
