from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.longtail.concepts import Concepts
from workbench.longtail.synonyms import agreement, gain, per_synonym
from workbench.measures.interval import bootstrap

PETS = Concepts.of(["cat", "dog", "emu"], [["kitty", "felis"], ["hound"], []])
BY_TERM = np.array([10, 40, 3, 7, 7, 0])
ACCURACY = np.array([50.0, 80.0, 20.0, 60.0, 70.0, math.nan])


def test_each_term_says_what_it_is():
    rows = per_synonym(PETS, BY_TERM, ACCURACY)
    assert [(r.concept, r.term, r.captions) for r in rows[:4]] == [
        (0, "cat", 10),
        (0, "kitty", 40),
        (0, "felis", 3),
        (1, "dog", 7),
    ]
    assert [r.term for r in rows if r.given] == ["cat", "dog", "emu"]
    assert [r.term for r in rows if r.most_frequent] == ["kitty", "dog", "emu"]
    assert math.isnan(rows[-1].accuracy)


def test_agreement_counts_pairs_within_a_class():
    # cat: all three pairs agree; dog: equal counts, no pair; emu: one term, no pair
    found = agreement(PETS, BY_TERM, ACCURACY)
    assert (found.value, found.n) == (1.0, 1)
    # cat: kitty > cat and felis (agree), cat > felis (agree); dog now disagrees
    found = agreement(PETS, [10, 40, 3, 8, 7, 0], ACCURACY)
    assert (found.value, found.n) == (0.5, 2)
    # 40 against 10 disagrees, 10 against 3 ties, 40 against 3 disagrees
    found = agreement(PETS, BY_TERM, [50, 10, 50, 0, 0, 0])
    assert found.value == pytest.approx((0 + 0.5 + 0) / 3)


def test_the_gain_of_hand_made_answers():
    truth = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    before = np.array([0, 1, 1, 1, 1, 1, 1, 0])
    after = np.array([0, 0, 0, 1, 0, 1, 1, 0])
    found = gain(PETS, ["kitty", "dog", "emu"], truth, before, after)
    assert found.images.value == pytest.approx(12.5) and found.images.n == 8
    assert found.classes.value == pytest.approx((50 - 25 + 0) / 2)
    cat, dog, emu = found.per_class
    assert (cat.before, cat.after, cat.difference.value) == (25, 75, 50)
    assert (dog.before, dog.after, dog.difference.value) == (75, 50, -25)
    assert math.isnan(emu.before) and math.isnan(emu.difference.value) and emu.difference.n == 0
    assert (cat.renamed, dog.renamed) == (True, False)
    assert found.gaining == (cat,) and found.losing == (dog,)
    assert list(found.fixed) == [1, 2] and list(found.broken) == [4]
    assert cat.p == pytest.approx(0.5)  # two of two: 2 * 0.5 ** 2


def test_the_interval_is_the_plain_bootstrap_s():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 600)
    before = np.where(rng.random(600) < 0.5, truth, (truth + 1) % 3)
    after = np.where(rng.random(600) < 0.6, truth, (truth + 1) % 3)
    found = gain(PETS, PETS.names, truth, before, after, resamples=4000)
    change = 100.0 * ((after == truth).astype(int) - (before == truth))
    low, high = bootstrap(change, resamples=4000, seed=5)
    assert found.images.low == pytest.approx(low, abs=0.6)
    assert found.images.high == pytest.approx(high, abs=0.6)
    low, high = bootstrap(change, strata=truth, resamples=4000, seed=5)
    assert found.classes.low == pytest.approx(low, abs=0.6)
    low, high = bootstrap(change[truth == 2], resamples=4000, seed=5)
    assert found.per_class[2].difference.low == pytest.approx(low, abs=1.0)
    assert found.per_class[2].difference.high == pytest.approx(high, abs=1.0)


def test_equal_answers_gain_nothing_and_are_sure_of_it():
    truth = np.arange(3)
    found = gain(PETS, PETS.names, truth, truth, truth)
    assert (found.images.value, found.images.low, found.images.high) == (0, 0, 0)
    assert found.p == 1 and not found.gaining and not found.losing


def test_the_same_seed_gives_the_same_intervals():
    truth = np.array([0, 1, 2, 0, 1, 2])
    after = np.array([0, 1, 1, 0, 0, 2])
    once, twice = (gain(PETS, PETS.names, truth, truth[::-1], after, seed=7) for _ in range(2))
    assert once.images == twice.images and once.per_class == twice.per_class


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: per_synonym(PETS, [1, 2], [1, 2]), "6 of each"),
        (lambda: per_synonym(PETS, BY_TERM, [0, 0, 0, 0, 0, 101]), "101 for 'emu'"),
        (lambda: gain(PETS, ["a"], [0], [0], [0]), "3, one a class"),
        (lambda: gain(PETS, PETS.names, [], [], []), "same images"),
        (lambda: gain(PETS, PETS.names, [3], [0], [0]), r"places in \[0, 3\)"),
    ],
)
def test_what_cannot_be_used_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
