"""Sums over tokens: those of slow loops, whatever the chunks, in any order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.experts import plain
from tests.experts.plain import EXPERTS, LAYERS
from workbench.errors import InputError
from workbench.experts.accumulate import Accumulator, entropies
from workbench.worker.routing_tables import summary_tables, tokens_of, tokens_table

INPUTS = st.dictionaries(
    st.tuples(st.integers(0, 40), st.integers(0, 1)), st.integers(1, 6), min_size=1, max_size=12
).map(lambda found: [(row, m, size) for (row, m), size in found.items()])


def added(*chunks, top_k=2):
    total = Accumulator(LAYERS, EXPERTS, top_k)
    for chunk in chunks:
        total.add(chunk)
    return total


def split(tokens, cuts):
    """Whole inputs go to a chunk each, as ``cuts`` (a number an input) say."""
    _, which = np.unique(tokens.order >> 31, return_inverse=True)
    chunk = np.array(cuts)[which % len(cuts)]
    return [tokens.take(chunk == number) for number in sorted(set(chunk.tolist()))]


def same(one, two):
    """Every table, to the last bit."""
    ones, twos = summary_tables(one), summary_tables(two)
    for name in ones:
        assert ones[name].equals(twos[name]), name


def by_key(array, keys):
    """A dense array as a mapping without its zeros; layers by their numbers."""
    return {
        (keys[place[0]], *place[1:]): value.item()
        for place, value in np.ndenumerate(array)
        if value.item()
    }


def approx(found, wanted):
    assert found == pytest.approx({key: value for key, value in wanted.items() if value}, abs=2e-5)


@pytest.mark.parametrize("top_k", [1, 2, 3])
@pytest.mark.parametrize("probs", [True, False])
def test_sums_are_those_of_a_slow_loop(top_k, probs):
    inputs = [(row, m, 3 + row % 4) for row in (0, 3, 4, 9, 11) for m in (0, 1)]
    tokens = plain.tokens(inputs, top_k=top_k, probs=probs)
    total, wanted = added(tokens, top_k=top_k), plain.sums(tokens)
    for name in ("tokens", "loads", "kept", "gate", "gates", "together"):
        approx(by_key(getattr(total, name), LAYERS), wanted[name])
    approx(by_key(total.flow, LAYERS), wanted["flow"])
    words = zip(*total.words(), strict=True)
    found = {(LAYERS[at], expert, word): n for at, expert, word, n in words}
    assert found == pytest.approx(wanted["words"])
    places = zip(*(each.tolist() for each in total.places()), strict=True)
    assert {(LAYERS[at], *rest): n for at, *rest, n in places} == wanted["places"]
    if probs:
        for name in ("soft", "entropy", "confidence"):
            approx(by_key(getattr(total, name), LAYERS), wanted[name])
    else:
        assert np.isnan(total.soft).all() and np.isnan(total.entropy).all()
        assert not total.confidence.any()


def test_sums_of_single_inputs_are_those_of_a_slow_loop():
    tokens = plain.tokens([(row, m, 2 + m) for row in (2, 5, 6) for m in (0, 1)])
    found, wanted = added(tokens).inputs(), plain.sums(tokens)
    assert list(zip(found.rows.tolist(), found.modality.tolist(), strict=True)) == [
        (row, m) for row in (2, 5, 6) for m in (0, 1)
    ]
    for name in ("tokens", "kept", "entropy", "hard", "soft"):
        table = {
            (int(found.rows[i]), int(found.modality[i]), LAYERS[at], *rest): value
            for (i, at, *rest), value in np.ndenumerate(getattr(found, name))
        }  # fmt: skip
        of = wanted[name if name == "hard" else f"input {name}"]
        assert {key: value for key, value in table.items() if value} == pytest.approx(
            dict(of), abs=1e-5
        )


@settings(deadline=None, max_examples=60)
@given(INPUTS, st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 5))
def test_any_chunks_give_the_sums_of_one(inputs, cuts, seed):
    tokens = plain.tokens(inputs, seed)
    same(added(tokens), added(*split(tokens, cuts)))


@settings(deadline=None, max_examples=40)
@given(INPUTS, st.permutations(range(4)), st.integers(0, 5))
def test_merging_in_any_order_gives_the_same_sums(inputs, order, seed):
    tokens = plain.tokens(inputs, seed)
    parts = [added(chunk) for chunk in split(tokens, [0, 1, 2, 3])]
    total = added()
    for place in order:
        if place < len(parts):
            total.merge(parts[place])
    same(total, added(tokens))


def test_merging_is_associative():
    tokens = plain.tokens([(row, m, 5) for row in range(30) for m in (0, 1)])
    chunks = split(tokens, [0, 1, 2])
    left, right, last = added(chunks[0]), added(chunks[1]), added(chunks[2])
    left.merge(right)
    left.merge(last)
    right, last = added(chunks[1]), added(chunks[2])
    right.merge(last)
    one = added(chunks[0])
    one.merge(right)
    same(left, one)


def test_a_wall_has_the_largest_gates_and_few_of_one_image():
    rng = np.random.default_rng(3)
    tokens = plain.tokens([(row, 0, int(rng.integers(1, 30))) for row in range(150)])
    for total in (added(tokens), added(*split(tokens, [0, 1, 2, 1]))):
        for (layer, expert), wanted in plain.walls(tokens).items():
            wall = total.walls[LAYERS.index(layer)][expert]
            assert wall.gate.tolist() == [gate for gate, _ in wanted]
            assert np.unique(wall.row, return_counts=True)[1].max() <= 4
            assert len(set(zip(wall.row.tolist(), wall.position.tolist(), strict=True))) == len(
                wanted
            )


def test_a_wall_of_equal_gates_is_not_of_the_first_images():
    tokens = plain.tokens([(row, 0, 8) for row in range(2_000)], top_k=1)
    tokens = replace(tokens, gates=np.ones_like(tokens.gates), kept=np.ones_like(tokens.kept))
    wall = added(tokens, top_k=1).walls[0][0]
    assert len(wall.row) == 256
    assert 700 < np.median(wall.row) < 1300


def test_a_token_that_a_layer_does_not_see_flows_nowhere():
    tokens = plain.tokens([(0, 0, 4), (0, 1, 4)])
    seen = tokens.take(~((tokens.layer == 4) & (tokens.position == 2)))
    total, wanted = added(seen), plain.sums(seen)
    assert by_key(total.flow, LAYERS) == dict(wanted["flow"])
    assert total.flow.sum() == 4 * 2 * 2 - 2 * 2


def test_entropy_of_an_even_and_of_a_decided_router():
    even, decided = np.full((1, 8), 1 / 8, np.float16), np.eye(8, dtype=np.float16)[:1]
    assert entropies(even)[0] == pytest.approx(np.log(8), abs=1e-6)
    assert entropies(decided)[0] == 0


@pytest.mark.parametrize("expert", [-1, EXPERTS])
def test_an_expert_that_is_not_there_is_refused(expert):
    tokens = plain.tokens([(0, 0, 2)])
    with pytest.raises(InputError, match="expert of a token"):
        added(replace(tokens, experts=np.full_like(tokens.experts, expert)))


def test_a_layer_that_is_not_there_is_refused():
    tokens = plain.tokens([(0, 0, 2)])
    first = tokens.take(tokens.layer == LAYERS[0])
    with pytest.raises(InputError, match="layer of a token"):
        added(replace(first, layer=np.full_like(first.layer, 9)))


def test_tokens_that_are_not_sorted_are_refused():
    tokens = plain.tokens([(0, 0, 2), (1, 0, 2)])
    with pytest.raises(InputError, match="sorted by row"):
        tokens.take(slice(None, None, -1))


def test_merging_another_model_is_refused():
    with pytest.raises(InputError, match="sums of a recording"):
        added().merge(Accumulator(LAYERS, EXPERTS, 1))


@pytest.mark.parametrize("probs", [True, False])
def test_tokens_survive_their_table(probs):
    tokens = plain.tokens([(row, m, 5) for row in range(6) for m in (0, 1)], probs=probs)
    back = tokens_of(tokens_table(tokens))
    assert (back.probs is None) == (not probs)
    for name, array in tokens.arrays().items():
        assert (
            np.array_equal(array, back.arrays()[name]) and array.dtype == back.arrays()[name].dtype
        )
    assert back.words == tokens.words
