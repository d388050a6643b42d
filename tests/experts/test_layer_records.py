"""Records of layers become tokens: sorted, complete, and refused where they cannot be right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.experts.accumulate import Accumulator
from workbench.experts.layer_records import LayerRecord, tokens_of
from workbench.experts.layout import Layout, side_of

E = 4


def record(layer=0, rows=(5, 2), places=3, seed=0, **changed):
    chance = np.random.default_rng(seed)
    n = len(rows) * places
    probs = chance.dirichlet(np.ones(E), n).astype(np.float32)
    made = {
        "layer": layer,
        "name": f"layer {layer}",
        "experts": E,
        "indices": np.argsort(probs, axis=1)[:, :2],  # the worst two, worst first
        "weights": np.sort(probs, axis=1)[:, :2],
        "kept": np.ones((n, 2), bool),
        "logits": None,
        "probs": probs,
        "modality": np.arange(n) % 2,
        "sample": np.repeat(rows, places),
        "position": np.tile(np.arange(places), len(rows)),
        "word": np.where(np.arange(n) % 2, np.arange(n) % 3, -1),
        "words": ("a", "b", "c"),
    }
    return LayerRecord(**(made | changed))


def test_tokens_hold_every_entry_once():
    records = [record(3), record(1, seed=1), record(1, rows=(9,), seed=2)]
    tokens = tokens_of(records)
    expected = {
        (each.sample[t], each.modality[t], each.layer, each.position[t]): (each, t)
        for each in records
        for t in range(len(each))
    }
    assert len(tokens) == len(expected)
    for t in range(len(tokens)):
        place = (tokens.row[t], tokens.modality[t], tokens.layer[t], tokens.position[t])
        each, at = expected[place]
        assert tokens.experts[t].tolist() == each.indices[at][::-1].tolist()  # larger gate first
        np.testing.assert_allclose(tokens.gates[t], each.weights[at][::-1], rtol=1e-3)
        np.testing.assert_allclose(tokens.probs[t], each.probs[at], rtol=1e-3, atol=1e-6)
        word = None if tokens.word[t] < 0 else tokens.words[tokens.word[t]]
        assert word == (each.words[each.word[at]] if each.modality[at] else None)
    total = Accumulator((1, 3), E, 2)
    total.add(tokens)
    assert total.loads.sum() == len(tokens)


def test_what_is_neither_is_left_out():
    one = record()
    some = replace(one, modality=np.where(np.arange(len(one)) == 2, -1, one.modality))
    assert len(tokens_of([some])) == len(one) - 1
    nothing = replace(one, modality=np.full(len(one), -1))
    with pytest.raises(InputError, match="patches or words"):
        tokens_of([nothing])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"indices": np.full((6, 2), E)}, "numbers from 0 to 3"),
        ({"kept": np.ones((6, 1), bool)}, "kept"),
        ({"probs": np.ones((6, 3), np.float32)}, "probs"),
        ({"modality": np.full(6, 2)}, "modality"),
        ({"word": np.full(6, 3)}, "3 words"),
        ({"weights": np.full((6, 2), np.nan)}, "finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, told):
    with pytest.raises(InputError, match=told):
        record(**changed)


def test_records_that_do_not_fit_each_other():
    with pytest.raises(InputError, match="none"):
        tokens_of([])
    with pytest.raises(InputError, match="one of them twice"):
        tokens_of([record(), record()])
    with pytest.raises(InputError, match="layers with probabilities"):
        tokens_of([record(), record(1, probs=None)])
    with pytest.raises(InputError, match="experts of a layer"):
        tokens_of([record(), record(1, experts=5, probs=np.ones((6, 5), np.float32) / 5)])
    with pytest.raises(InputError, match="position of a token"):
        tokens_of([record(position=np.arange(6) - 1)])


def test_a_layout_of_images():
    found = Layout.of_images([8, 3], 4, before=1)
    assert found.modality.tolist() == [[-1, 0, 0, 0, 0]] * 2
    assert found.position[0].tolist() == [0, 0, 1, 2, 3]
    assert found.sample[:, 0].tolist() == [8, 3]
    assert (found.patches, found.tokens) == (4, 10)


def test_a_layout_of_numbers():
    ids = [[7, 1, 1, 8, 7], [1, 1, 8, 0, 9]]
    found = Layout.of_ids(
        ids,
        [0, 1],
        image_token=1,
        leave_out=[9],
        attention_mask=[[1] * 5, [1, 1, 1, 0, 1]],
        word={7: "x", 8: "x", 0: "pad", 1: "", 9: "end"}.__getitem__,
    )
    assert found.modality.tolist() == [[1, 0, 0, 1, 1], [0, 0, 1, -1, -1]]
    assert found.position.tolist() == [[0, 0, 1, 1, 2], [0, 1, 0, 0, 0]]
    names = [found.words[at] for at in found.word[found.word >= 0]]
    assert names == ["x"] * 4  # two numbers of one name are one word


def test_what_makes_no_layout():
    with pytest.raises(InputError, match="twice"):
        Layout.of_images([1, 1], 4)
    with pytest.raises(InputError, match=r"\(B, S\)"):
        Layout.of_ids([1, 2], [0])
    with pytest.raises(InputError, match="square"):
        side_of(6)
    assert side_of(49) == 7
