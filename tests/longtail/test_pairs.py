"""Pairs and examples added in pieces of any size, against sets in Python."""

from collections import Counter as Tally
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.longtail import pairs
from workbench.longtail.examples import Examples
from workbench.longtail.pairs import PairCounts

BATCH = st.lists(st.sets(st.integers(0, 5), max_size=6), max_size=6)


def flat(batch) -> tuple[np.ndarray, np.ndarray]:
    caption = np.repeat(np.arange(len(batch)), [len(each) for each in batch])
    return caption, np.array([concept for each in batch for concept in sorted(each)], np.int64)


@pytest.fixture(params=[1, 3, 100])
def piece(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "_AT_ONCE", request.param)
        yield request.param


@settings(deadline=None, max_examples=60)
@given(st.lists(BATCH, max_size=5), st.integers(1, 15))
@pytest.mark.usefixtures("piece")
def test_pairs_are_those_of_sets(batches, limit) -> None:
    counted, merged = PairCounts(6, limit), PairCounts(6, limit)
    for batch in batches:
        counted.add(*flat(batch))
        other = PairCounts(6, limit)
        other.add(*flat(batch))
        merged.merge(other)
    slow = Tally(
        pair for batch in batches for each in batch for pair in combinations(sorted(each), 2)
    )
    for each in (counted, merged):
        a, b, n = (part.tolist() for part in each.pairs())
        assert each.complete == (len(slow) <= limit)
        if each.complete:
            assert list(zip(a, b, strict=True)) == sorted(slow)
            assert n == [slow[pair] for pair in sorted(slow)]
        else:
            assert not n


@settings(deadline=None, max_examples=60)
@given(st.lists(BATCH, max_size=5), st.integers(0, 3), st.randoms(use_true_random=False))
def test_examples_are_the_first_captions_in_any_order(batches, keep, random) -> None:
    numbers, total = [], 0
    for batch in batches:
        numbers.append(np.arange(total, total + len(batch)) * 10)
        total += len(batch)
    examples = Examples(6, keep)
    order = list(range(len(batches)))
    random.shuffle(order)
    for at in order:
        one = Examples(6, keep)
        one.add(
            *flat(batches[at]),
            numbers[at],
            pa.array([f"text {n}" for n in numbers[at]], pa.string()),
        )
        examples.merge(one)
    where = [
        [
            int(n)
            for batch, ns in zip(batches, numbers, strict=True)
            for each, n in zip(batch, ns, strict=True)
            if c in each
        ]
        for c in range(6)
    ]
    assert examples.numbers.tolist() == [(each + [-1] * keep)[:keep] for each in where]
    kept = sorted({n for each in where for n in each[:keep]})
    assert dict(examples.texts) == {n: f"text {n}" for n in kept}


def test_past_the_limit_nothing_is_kept_or_counted_any_more() -> None:
    counted = PairCounts(6, 2)
    counted.add(*flat([{0, 1}, {1, 2}, {2, 3}]))
    assert not counted.coded()[0].size and not counted.complete
    counted.add(*flat([{0, 1}]))
    counted.merge(PairCounts(6, 2))
    assert not counted.complete and not counted._waiting


def test_merging_leaves_the_other_as_it_was() -> None:
    one, other = PairCounts(6, 9), PairCounts(6, 9)
    other.add(*flat([{0, 1}, {0, 1, 2}]))
    before = [part.tolist() for part in other.pairs()]
    one.merge(other)
    one.add(*flat([{0, 1}]))
    assert one.pairs()[2].tolist() == [3, 1, 1]
    assert [part.tolist() for part in other.pairs()] == before


def test_examples_that_come_with_falling_numbers() -> None:
    examples = Examples(2, 2)
    texts = pa.array(["a", "b", "c"], pa.string())
    place, concept = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 0, 0, 1])
    examples.add(place, concept, np.array([30, 20, 10]), texts)
    examples.add(place, concept, np.array([31, 5, 11]), texts)
    assert examples.numbers.tolist() == [[5, 10], [10, 11]]
    assert dict(examples.texts) == {5: "b", 10: "c", 11: "c"}
