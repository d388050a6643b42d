"""The families that transformers ships, on tiny random models: choices against slow numpy."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.gpu.attach_toys import B, S, ids, layout, mask, random_model, top
from workbench.experts.layer_records import tokens_of
from workbench.gpu.attach.attach import attach
from workbench.gpu.attach.families import FAMILIES, SPLIT

SIZES = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
QWEN = {"moe_intermediate_size": 12, "num_experts": 8, "num_experts_per_tok": 2, "head_dim": 8}
DEEPSEEK = {
    "moe_intermediate_size": 12,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "n_group": 2,
    "topk_group": 1,
    "kv_lora_rank": 8,
    "q_lora_rank": 8,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "routed_scaling_factor": 1.5,
}
MODELS = {
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", {"num_local_experts": 8}, [0, 1, 2]),
    "olmoe": ("OlmoeForCausalLM", "OlmoeConfig", {"num_experts": 8, "num_experts_per_tok": 2},
              [0, 1, 2]),
    "qwen2-moe": ("Qwen2MoeForCausalLM", "Qwen2MoeConfig",
                  QWEN | {"shared_expert_intermediate_size": 12, "mlp_only_layers": [1]}, [0, 2]),
    "qwen3-moe": ("Qwen3MoeForCausalLM", "Qwen3MoeConfig", QWEN | {"decoder_sparse_step": 2}, [1]),
    "deepseek-v2": ("DeepseekV2ForCausalLM", "DeepseekV2Config", DEEPSEEK | {"topk_method":
                    "group_limited_greedy"}, [1, 2]),
    "deepseek-v3": ("DeepseekV3ForCausalLM", "DeepseekV3Config", DEEPSEEK, [1, 2]),
}  # fmt: skip


def made(name):
    kind, config, own, layers = MODELS[name]
    return random_model(kind, config, **(SIZES | own)), layers


def heard(model, **named):
    """Records of one pass, and the output; with the same pass before and after."""
    given = {"input_ids": ids(), "attention_mask": mask()} | named
    hooks = hooks_of(model)
    with torch.no_grad():
        before = model(**given)
        with attach(model) as tap:
            inside = model(**given)
            records = tap.records(layout())
        after = model(**given)
    assert torch.equal(before.logits, inside.logits) and torch.equal(before.logits, after.logits)
    assert hooks_of(model) == hooks
    return records


def hooks_of(model):
    """How many there are: transformers has some of its own once it was asked for logits."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", MODELS)
def test_every_mixture_is_found(name):
    model, layers = made(name)
    records = heard(model)
    assert [each.layer for each in records] == layers
    assert all(each.experts == 8 and each.indices.shape == (B * S, 2) for each in records)
    assert all(each.kept.all() and each.flags.dropless for each in records)
    for each in records:
        np.testing.assert_allclose(each.probs.sum(axis=1), 1, rtol=1e-5)
        assert (np.diff(np.sort(each.indices, axis=1), axis=1) > 0).all()  # two distinct experts
    assert len(tokens_of(records)) == len(layers) * (B * S - 1)


@pytest.mark.parametrize("name", ["mixtral", "olmoe", "qwen2-moe", "qwen3-moe"])
def test_softmax_then_the_largest(name):
    model, _ = made(name)
    for each in heard(model):
        probs = softmax(each.logits.astype(np.float64))
        np.testing.assert_allclose(each.probs, probs, rtol=1e-4, atol=1e-7)
        assert np.array_equal(np.sort(each.indices, axis=1), top(probs, 2))
        gates = np.take_along_axis(probs, each.indices, axis=1)
        if name in ("mixtral",):
            gates /= gates.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(each.weights, gates, rtol=1e-4)
        assert each.flags.shared == (name == "qwen2-moe")


def test_logits_are_those_that_the_model_itself_can_tell():
    model, _ = made("mixtral")
    with torch.no_grad():
        told = model(input_ids=ids(), attention_mask=mask(), output_router_logits=True)
    for each, logits in zip(heard(model), told.router_logits, strict=True):
        np.testing.assert_allclose(each.logits, logits.numpy(), rtol=1e-5, atol=1e-6)


def test_a_group_decides_before_the_expert():
    """DeepSeek-V2: only experts of the better half can be chosen, so not the top of the logits."""
    model, _ = made("deepseek-v2")
    differ = 0
    for each in heard(model):
        probs = softmax(each.logits.astype(np.float64))
        halves = probs.reshape(-1, 2, 4).max(axis=2).argmax(axis=1)
        allowed = np.where(np.arange(8) // 4 == halves[:, None], probs, 0)
        assert np.array_equal(np.sort(each.indices, axis=1), top(allowed, 2))
        np.testing.assert_allclose(
            each.weights, 1.5 * np.take_along_axis(probs, each.indices, axis=1), rtol=1e-4
        )
        differ += not np.array_equal(np.sort(each.indices, axis=1), top(probs, 2))
        assert each.flags.shared and not each.flags.bias_selected
    assert differ


def test_a_bias_decides_that_is_no_part_of_the_gate():
    """DeepSeek-V3: sigmoid scores, and a bias that only selects."""
    model, _ = made("deepseek-v3")
    for name, buffer in model.named_buffers():
        if name.endswith("e_score_correction_bias"):
            buffer.copy_(torch.linspace(-2, 2, 8))
    differ = 0
    for each in heard(model):
        scores = 1 / (1 + np.exp(-each.logits.astype(np.float64)))
        biased = scores + np.linspace(-2, 2, 8)
        best_two = np.sort(biased.reshape(-1, 2, 4), axis=2)[:, :, -2:].sum(axis=2)
        allowed = np.where(np.arange(8) // 4 == best_two.argmax(axis=1)[:, None], biased, -np.inf)
        assert np.array_equal(np.sort(each.indices, axis=1), top(allowed, 2))
        gates = np.take_along_axis(scores, each.indices, axis=1)
        np.testing.assert_allclose(
            each.weights, 1.5 * gates / gates.sum(axis=1, keepdims=True), rtol=1e-4
        )
        shares = scores / scores.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(each.probs, shares, rtol=1e-4)
        assert each.flags.bias_selected and each.flags.score == "sigmoid" and each.flags.shared
        differ += not np.array_equal(np.sort(each.indices, axis=1), top(each.logits, 2))
    assert differ


def test_a_dense_model_of_transformers_has_no_routers():
    from workbench.errors import ModelError

    model = random_model("LlamaForCausalLM", "LlamaConfig", **SIZES)
    with pytest.raises(ModelError, match="LlamaForCausalLM has no routers"):
        attach(model)


def test_transformers_has_every_class_that_is_known_by_name():
    transformers = pytest.importorskip("transformers", reason="the extra `adapters` is missing")
    folder = Path(transformers.__file__).parent / "models"
    source = "\n".join(p.read_text("utf-8") for p in folder.glob("*/modeling_*.py"))
    there = set(re.findall(r"^class (\w+)\(", source, re.M))
    assert not {*FAMILIES, *SPLIT} - there
