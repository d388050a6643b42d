"""Mixtures that see images and words: their routers, and the two that keep them apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.gpu.attach_toys import IMAGE_TOKEN, B, S, ids, layout, mask, random_model, top
from workbench.experts.accumulate import Accumulator
from workbench.experts.layer_records import tokens_of
from workbench.gpu.attach.attach import attach
from workbench.gpu.attach.routers import find

SIZES = {
    "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
    "num_attention_heads": 2, "num_key_value_heads": 2, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2,
}  # fmt: skip
TURNED = {
    "rope_parameters": {
        "rope_type": "default",
        "mrope_section": [1, 1, 2],
        "rope_theta": 1e4,
        "partial_rotary_factor": 1.0,
    }
}
ROUTED = {"moe_intermediate_size": 12, "num_experts_per_tok": 2}
MODELS = {
    "aria": ("AriaTextForCausalLM", "AriaTextConfig",
             {"moe_num_experts": 8, "moe_topk": 2, "moe_num_shared_experts": 1}, [0, 1, 2]),
    "llama4": ("Llama4ForCausalLM", "Llama4TextConfig",
               {"head_dim": 8, "intermediate_size_mlp": 24, "num_local_experts": 8,
                "num_experts_per_tok": 1, "interleave_moe_layer_step": 2}, [1]),
    "gemma4": ("Gemma4ForCausalLM", "Gemma4TextConfig",
               {"head_dim": 8, "global_head_dim": 8, "enable_moe_block": True, "num_experts": 8,
                "top_k_experts": 2, "moe_intermediate_size": 12, "hidden_size_per_layer_input": 0,
                "vocab_size_per_layer_input": 40,
                "layer_types": ["sliding_attention"] * 2 + ["full_attention"]}, [0, 1, 2]),
    "qwen3-vl": ("Qwen3VLMoeTextModel", "Qwen3VLMoeTextConfig",
                 ROUTED | TURNED | {"num_experts": 8, "head_dim": 8, "mlp_only_layers": [0]},
                 [1, 2]),
    "glm-4.5v": ("Glm4vMoeTextModel", "Glm4vMoeTextConfig",
                 ROUTED | TURNED | {"n_routed_experts": 8, "n_shared_experts": 1, "head_dim": 8,
                                    "first_k_dense_replace": 1, "n_group": 2, "topk_group": 1,
                                    "routed_scaling_factor": 1.5},
                 [1, 2]),
    "ernie": ("Ernie4_5_VLMoeTextModel", "Ernie4_5_VLMoeTextConfig",
              TURNED | {"moe_intermediate_size": [12, 8], "moe_num_experts": 8, "moe_k": 2,
                        "moe_num_shared_experts": 1,
                        "mlp_layer_types": ["dense", "sparse", "sparse"]}, [1, 2]),
}  # fmt: skip


def made(name):
    kind, config, own, layers = MODELS[name]
    return random_model(kind, config, **SIZES | own), layers


def heard(model, **named):
    given = {"input_ids": ids(), "attention_mask": mask()} | named
    with torch.no_grad():
        before = model(**given)[0]
        with attach(model) as tap:
            inside = model(**given)[0]
            records = tap.records(layout())
    assert torch.equal(before, inside)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    return records


def softmax(logits):
    raised = np.exp(logits.astype(np.float64))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "ernie"])
def test_every_mixture_is_found(name):
    model, layers = made(name)
    records = heard(model)
    assert [each.layer for each in records] == layers
    assert all(each.experts == 8 and len(each) == B * S and each.kept.all() for each in records)
    for each in records:
        np.testing.assert_allclose(each.probs.sum(axis=1), 1, rtol=1e-5)
        assert each.flags.shared == (name != "qwen3-vl")
    tokens = tokens_of(records)
    assert np.bincount(tokens.modality).tolist() == [
        len(layers) * B * 4, len(layers) * (B * (S - 4) - 1)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["aria", "qwen3-vl"])
def test_gates_are_the_softmax_of_the_chosen(name):
    model, _ = made(name)
    for each in heard(model):
        probs = softmax(each.logits)
        assert np.array_equal(np.sort(each.indices, axis=1), top(probs, 2))
        gates = np.take_along_axis(probs, each.indices, axis=1)
        np.testing.assert_allclose(each.weights, gates / gates.sum(axis=1, keepdims=True),
                                   rtol=1e-4)  # fmt: skip


def test_llama4_gates_by_the_sigmoid_of_the_largest_logit():
    model, _ = made("llama4")
    (each,) = heard(model)
    assert np.array_equal(each.indices[:, 0], each.logits.argmax(axis=1))
    np.testing.assert_allclose(each.weights[:, 0], 1 / (1 + np.exp(-each.logits.max(axis=1))),
                               rtol=1e-5)  # fmt: skip
    assert each.flags.score == "sigmoid"


def test_gemma4_tells_probabilities_not_logits():
    model, _ = made("gemma4")
    with torch.no_grad():
        for layer in model.model.layers:
            layer.router.per_expert_scale.copy_(torch.linspace(0.5, 2, 8))
    for each in heard(model):
        assert each.logits is None
        assert np.array_equal(np.sort(each.indices, axis=1), top(each.probs, 2))
        gates = np.take_along_axis(each.probs, each.indices, axis=1)
        gates = gates / gates.sum(axis=1, keepdims=True)
        scaled = gates * np.linspace(0.5, 2, 8)[each.indices]
        np.testing.assert_allclose(each.weights, scaled, rtol=1e-4)


def test_glm_chooses_with_a_bias():
    model, _ = made("glm-4.5v")
    for name, buffer in model.named_buffers():
        if name.endswith("e_score_correction_bias"):
            buffer.copy_(torch.linspace(-2, 2, 8))
    for each in heard(model):
        scores = 1 / (1 + np.exp(-each.logits.astype(np.float64)))
        assert not np.array_equal(np.sort(each.indices, axis=1), top(scores, 2))
        gates = np.take_along_axis(scores, each.indices, axis=1)
        np.testing.assert_allclose(
            each.weights, 1.5 * gates / gates.sum(axis=1, keepdims=True), rtol=1e-4
        )


@pytest.mark.parametrize(
    ("name", "config", "text", "path"),
    [
        ("AriaForConditionalGeneration", "AriaConfig", "aria",
         "model.language_model.layers.0.mlp.router"),
        ("Llama4ForConditionalGeneration", "Llama4Config", "llama4",
         "language_model.model.layers.1.feed_forward.router"),
        ("Qwen3VLMoeForConditionalGeneration", "Qwen3VLMoeConfig", "qwen3-vl",
         "model.language_model.layers.1.mlp.gate"),
    ],
)  # fmt: skip
def test_routers_inside_a_whole_model_keep_the_numbers_of_their_blocks(name, config, text, path):
    """A vision tower in front has no routers, so it moves no number."""
    transformers = pytest.importorskip("transformers", reason="the extra `adapters` is missing")
    _, kind, own, layers = MODELS[text]
    inner = getattr(transformers, kind)(**SIZES | own)
    with torch.device("meta"):  # the paths alone: the towers' usual sizes are large
        whole = getattr(transformers, name)(getattr(transformers, config)(text_config=inner))
    found = find(whole)
    assert [each.layer for each in found] == layers
    assert found[0].name.endswith(path)


def test_ernie_sends_images_and_words_to_experts_of_their_own():
    """The positive control: no expert sees both, so the divergence is one bit, the largest."""
    from workbench.experts.shares import divergence

    model, layers = made("ernie")
    records = heard(model, moe_mm_token_type_ids=(ids() == IMAGE_TOKEN).int())
    assert [each.layer for each in records] == layers
    of_image = layout().modality.ravel() == 0
    for each in records:
        assert each.experts == 16 and len(each) == B * S
        image = each.modality == 0
        assert image.sum() == of_image.sum()
        assert (each.indices[image] >= 8).all() and (each.indices[~image] < 8).all()
        assert (each.probs[image, :8] == 0).all() and (each.probs[~image, 8:] == 0).all()
        assert np.isneginf(each.logits[image, :8]).all()
        np.testing.assert_allclose(each.probs.sum(axis=1), 1, rtol=1e-5)
        assert each.flags.bias_selected and each.flags.shared
    tokens = tokens_of(records)
    total = Accumulator(layers, 16, 2)
    total.add(tokens)
    for at in range(len(layers)):
        shares = (total.loads[at] / total.loads[at].sum(axis=0)).T
        assert divergence(shares) == pytest.approx(1.0, abs=1e-12)


def test_ernie_chooses_as_its_routers_do():
    model, _ = made("ernie")
    given = {"moe_mm_token_type_ids": (ids() == IMAGE_TOKEN).int()}
    said = []
    gates = [m for name, m in model.named_modules() if name.endswith("moe.gate")]
    handles = [g.register_forward_hook(lambda m, i, o: said.append(o[2].numpy())) for g in gates]
    with torch.no_grad():
        model(input_ids=ids(), attention_mask=mask(), **given)
    for handle in handles:
        handle.remove()
    for at, each in enumerate(heard(model, **given)):
        words, images = said[2 * at], said[2 * at + 1]
        assert np.array_equal(each.indices[each.modality == 0] - 8, images)
        assert np.array_equal(each.indices[each.modality != 0], words)


def test_ernie_without_an_image():
    model, _ = made("ernie")
    for each in heard(model):
        assert each.experts == 16 and (each.indices < 8).all() and len(each) == B * S
