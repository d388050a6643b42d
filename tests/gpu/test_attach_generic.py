"""Attaching to any mixture: the model's own choices, nothing changed, clear refusals."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from tests.gpu.attach_toys import IMAGE_TOKEN, B, S, ids, layout, top, toy
from workbench.errors import InputError, ModelError
from workbench.experts.layer_records import tokens_of
from workbench.experts.layout import Layout
from workbench.gpu.attach.attach import attach
from workbench.gpu.attach.generic import generic
from workbench.gpu.attach.readings import from_logits, from_tuple

OWN = generic(
    r"blocks\.\d+\.router",
    from_tuple(weights=0, indices=1, logits=2, score="sigmoid"),
    score="sigmoid",
    bias_selected=True,
)


@pytest.fixture
def model():
    return toy()


def recorded(model, described=OWN, given=None):
    given = ids() if given is None else given
    with attach(model, described) as tap, torch.no_grad():
        model(given)
        return tap.records(layout(given))


def test_records_come_in_the_models_order_one_a_mixture(model):
    records = recorded(model)
    assert [each.layer for each in records] == [0, 2]  # the dense block between has none
    assert [each.name for each in records] == ["blocks.0.router", "blocks.2.router"]
    assert all(len(each) == B * S and each.experts == 6 for each in records)
    assert records[0].flags.bias_selected and records[0].flags.score == "sigmoid"


def test_indices_are_the_models_own_not_the_top_of_the_logits(model):
    """A bias decides who is chosen: computing them again from the logits is wrong."""
    first = recorded(model)[0]
    states = model.embed(ids())
    with torch.no_grad():
        gates, chosen, logits = model.blocks[0].router(states)
    assert np.array_equal(first.indices, chosen.numpy())
    np.testing.assert_allclose(first.weights, gates.numpy())
    np.testing.assert_allclose(first.logits, logits.numpy())
    assert not np.array_equal(np.sort(first.indices, axis=1), top(logits.numpy(), 2))
    share = 1 / (1 + np.exp(-logits.numpy()))
    np.testing.assert_allclose(
        first.probs, share / share.sum(axis=1, keepdims=True), rtol=1e-5, atol=1e-7
    )


def test_nothing_changes_and_hooks_go(model):
    given = ids()
    before = model(given)
    with attach(model, OWN) as tap:
        inside = model(given)
        tap.records(layout())
    assert torch.equal(before, inside) and torch.equal(before, model(given))
    assert not any(module._forward_hooks for module in model.modules())


def test_hooks_go_also_after_an_error(model):
    with pytest.raises(RuntimeError), attach(model, OWN):
        raise RuntimeError
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_gradients_flow_as_before(model):
    model(ids()).sum().backward()
    before = model.embed.weight.grad.clone()
    model.zero_grad()
    with attach(model, OWN) as tap:
        model(ids()).sum().backward()
        assert len(tap.records(layout())) == 2
    assert torch.equal(before, model.embed.weight.grad)


def test_tokens_are_named_and_padding_is_left_out(model):
    tokens = tokens_of(recorded(model))
    assert len(tokens) == 2 * (B * S - 1)
    assert sorted(set(tokens.row.tolist())) == [4, 7]
    assert (np.bincount(tokens.modality) == [2 * B * 4, 2 * (B * (S - 4) - 1)]).all()
    of_text = (tokens.row == 4) & (tokens.modality == 1) & (tokens.layer == 0)
    words = [tokens.words[at] for at in tokens.word[of_text]]
    assert words == [f"w{n}" for n in ids()[0].tolist() if n != IMAGE_TOKEN]
    assert tokens.position[of_text].tolist() == list(range(S - 4))
    assert (np.diff(tokens.gates.astype(float), axis=1) <= 0).all()  # the best choice first
    assert (tokens.word[tokens.modality == 0] == -1).all()


def test_a_number_beyond_the_experts_is_a_choice_without_room():
    class Full(nn.Module):
        def forward(self, logits):
            chosen = logits.topk(2, dim=1).indices
            gates = logits.softmax(1).gather(1, chosen)
            chosen[0, 1] = logits.shape[1]
            return logits, gates, chosen

    model = nn.ModuleDict({"router": Full()})
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    with attach(model, generic("router", from_tuple())) as tap:
        model["router"](logits)
        (record,) = tap.records(Layout.of_images([0], 3))
    assert record.kept.tolist() == [[True, False], [True, True], [True, True]]
    assert record.indices.max() < 5


def test_logits_only_are_chosen_from_again():
    model = nn.Sequential(nn.Linear(4, 6))
    states = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    with attach(model, generic("0", from_logits(2), recomputed=True)) as tap, torch.no_grad():
        logits = model(states).numpy()
        (record,) = tap.records(Layout.of_images([3], 4, before=1))
    assert np.array_equal(np.sort(record.indices, axis=1), top(logits, 2))
    np.testing.assert_allclose(record.weights.sum(axis=1), 1, rtol=1e-6)
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(record.probs, probs, rtol=1e-5)
    assert record.modality.tolist() == [-1, 0, 0, 0, 0]
    assert record.position.tolist()[1:] == [0, 1, 2, 3]
    assert record.flags.recomputed


def test_one_call_of_records_for_one_pass(model):
    with attach(model, OWN) as tap, torch.no_grad():
        model(ids())
        model(ids(1))
        with pytest.raises(ModelError, match="has run 2 times"):
            tap.records(layout())
        model(ids())
        assert len(tap.records(layout())) == 2
        with pytest.raises(ModelError, match="no router has run"):
            tap.records(layout())


def test_a_pass_over_other_tokens_is_refused(model):
    with attach(model, OWN) as tap, torch.no_grad():
        model(ids()[:, :1])  # as when an answer is generated token by token
        with pytest.raises(ModelError, match="expected 18, padding among them, got 2"):
            tap.records(layout())


def test_a_dense_model_says_so():
    dense = nn.TransformerEncoderLayer(8, 2, 16)
    with pytest.raises(ModelError, match=r"no routers.*no experts.*Modality gap"):
        attach(dense)


def test_routers_of_an_unknown_kind_are_listed():
    model = nn.ModuleDict({"gate": nn.Linear(4, 8)})
    with pytest.raises(ModelError, match=r"no routers of a known kind.*gate.*generic"):
        attach(model)


def test_a_pattern_that_fits_nothing(model):
    with pytest.raises(ModelError, match="no module whose path matches 'gates'"):
        attach(model, generic("gates", from_tuple()))
    with pytest.raises(InputError, match="regular expression"):
        generic("(", from_tuple())


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (from_tuple(logits=7), "an array at place 7"),
        (from_tuple(logits=1, weights=0, indices=2), "chosen experts and their gates"),
    ],
)
def test_a_router_that_gives_back_something_else(model, read, told):
    with (
        attach(model, generic(r"blocks\.0\.router", read)),
        pytest.raises(ModelError, match=re.escape(told)),
    ):
        model(ids())
