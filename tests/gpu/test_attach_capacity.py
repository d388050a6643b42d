"""Mixtures with room for some tokens only: who was chosen, and who found none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.gpu.attach_toys import B, S, ids, layout, mask, random_model
from workbench.experts.layer_records import tokens_of
from workbench.experts.layout import Layout
from workbench.gpu.attach.attach import attach

E, ROOM = 4, 2
SWITCH = {
    "vocab_size": 40, "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 4,
    "num_decoder_layers": 2, "num_heads": 2, "num_experts": E, "expert_capacity": ROOM,
    "num_sparse_encoder_layers": 2, "num_sparse_decoder_layers": 1, "decoder_start_token_id": 0,
    "dropout_rate": 0.0,
}  # fmt: skip
NLLB = {
    "vocab_size": 40, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2,
    "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24, "num_experts": E, "expert_capacity": 5, "encoder_sparse_step": 2,
    "decoder_sparse_step": 2, "pad_token_id": 0, "decoder_start_token_id": 0, "dropout": 0.0,
    "moe_eval_capacity_token_fraction": -1.0,
}  # fmt: skip
ANSWER = 5


def heard(model, encoder: str, decoder: str):
    """Records of the encoder and of the decoder."""
    given = {"input_ids": ids(), "attention_mask": mask(), "decoder_input_ids": ids(1)[:, :ANSWER]}
    behind = Layout.of_ids(given["decoder_input_ids"], (4, 7))
    with torch.no_grad():
        before = model(**given)
        with attach(model) as tap:
            inside = model(**given)
            found = tap.records(layout(), under=encoder), tap.records(behind, under=decoder)
    assert torch.equal(before.logits, inside.logits)
    return found


def test_switch_drops_what_comes_late_in_its_sequence():
    model = random_model("SwitchTransformersForConditionalGeneration",
                         "SwitchTransformersConfig", **SWITCH)  # fmt: skip
    front, back = heard(model, "encoder.", "decoder.")
    assert [each.layer for each in front] == [1, 3]
    assert [each.layer for each in back] == [5]  # the decoder's block 1, behind four blocks
    dropped = 0
    for each, length in ((front[0], S), (front[1], S), (back[0], ANSWER)):
        logits = each.logits.astype(np.float64)
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        first = probs.argmax(axis=1)
        assert np.array_equal(each.indices[:, 0], first)
        np.testing.assert_allclose(each.weights[:, 0], probs.max(axis=1), rtol=1e-4)
        for sequence in range(B):
            taken = dict.fromkeys(range(E), 0)
            for token in range(sequence * length, (sequence + 1) * length):
                taken[first[token]] += 1
                assert each.kept[token, 0] == (taken[first[token]] <= ROOM)
        assert not each.flags.dropless
        dropped += (~each.kept).sum()
    assert dropped
    tokens = tokens_of(front)
    assert len(tokens) == 2 * (B * S - 1) and not tokens.kept.all()


@pytest.mark.parametrize("prioritised", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_nllb_gives_the_first_choices_room_before_the_second(prioritised, before):
    model = random_model(
        "NllbMoeForConditionalGeneration", "NllbMoeConfig",
        **NLLB | {"batch_prioritized_routing": prioritised,
                  "normalize_router_prob_before_dropping": before},
    )  # fmt: skip
    front, back = heard(model, "model.encoder.", "model.decoder.")
    assert [each.layer for each in (*front, *back)] == [1, 3]
    each = front[0]
    logits = each.logits.astype(np.float64)
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    order = np.argsort(-probs, axis=1)[:, :2]
    turn = np.argsort(-probs.max(axis=1), kind="stable") if prioritised else range(len(probs))
    there = mask().numpy().ravel().astype(bool)
    taken = np.zeros(E, int)
    room = {}
    for choice in (0, 1):
        for token in turn:
            if there[token]:
                room[token, choice] = taken[order[token, choice]] < 5
                taken[order[token, choice]] += 1
    for token in np.flatnonzero(there):
        assert set(each.indices[token]) == set(order[token])
        kept = {e for e, k in zip(each.indices[token], each.kept[token], strict=True) if k}
        assert kept == {order[token, choice] for choice in (0, 1) if room[token, choice]}
    assert not all(room.values()) and any(room.values())


def test_a_padding_token_of_nllb_is_in_no_figure():
    model = random_model("NllbMoeForConditionalGeneration", "NllbMoeConfig", **NLLB)
    front, _ = heard(model, "model.encoder.", "model.decoder.")
    assert (tokens_of(front).row == 7).sum() == S - 1
