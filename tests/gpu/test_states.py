"""Layers read by hooks: equal to computing them by hand, changing nothing, leaving nothing."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.gpu.tiny import PREPROCESS, picture
from workbench.errors import ModelError
from workbench.gpu.device import Device
from workbench.gpu.encoder import Encoder
from workbench.gpu.gate import Gate
from workbench.gpu.limoe.config import LimoeConfig
from workbench.gpu.limoe.model import Limoe
from workbench.gpu.preprocess import Preprocess
from workbench.gpu.registry import build
from workbench.gpu.source import resolve
from workbench.gpu.states import States, _blocks

TEXTS = ["a red apple", "apple", "red red red red apple and more"]
CONFIG = LimoeConfig(
    image_size=32, patch_size=8, context_length=12, vocab_size=520, width=32, layers=3, heads=2,
    hidden=24, embed_dim=16, moe_layers=(1,), experts=3, top_k=2,
)  # fmt: skip


def pixels(encoder: Encoder, count: int = 3) -> np.ndarray:
    return np.stack([encoder.preprocess.decode(picture(seed)) for seed in range(count)])


@pytest.fixture(scope="module")
def shared(encoder: Encoder) -> Encoder:
    """A LIMoE with random weights under the tiny model's tokenizer and pixels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Limoe(CONFIG).eval().requires_grad_(False)
    return Encoder(
        replace(encoder.info, name="limoe"),
        model,
        encoder.tokenizer,
        Preprocess({"size": [32, 32], **PREPROCESS}),
        device=Device("cpu", "cpu"),
        precision="fp32",
        gate=Gate(),
    )


def hooks(model: torch.nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize("which", ["encoder", "shared"])
def test_reading_changes_nothing_and_leaves_nothing(
    which: str, request: pytest.FixtureRequest
) -> None:
    encoder = request.getfixturevalue(which)
    before, batch = hooks(encoder.model), pixels(encoder)
    states = States(encoder)
    assert np.array_equal(states.images(batch).vectors, encoder.encode_images(batch))
    assert np.array_equal(states.texts(TEXTS).vectors, encoder.encode_texts(TEXTS))
    assert hooks(encoder.model) == before


def test_the_states_of_two_towers(encoder: Encoder) -> None:
    states = States(encoder)
    assert not states.shared and states.experts == {}
    assert states.image_layers == states.text_layers == ("input", "block 0", "block 1")
    found = states.images(pixels(encoder))
    assert [each.shape for each in found.states] == [(3, 32)] * 3 and found.units == {}
    model = encoder.model
    with torch.inference_mode():
        batch = encoder.preprocess.normalise(torch.from_numpy(pixels(encoder)))
        tokens = model.visual._embeds(batch)
        for layer, block in enumerate([None, *model.visual.transformer.resblocks]):
            tokens = tokens if block is None else block(tokens)
            assert np.allclose(found.states[layer], tokens.mean(dim=1), atol=1e-5)


def test_padding_of_a_text_is_left_out(encoder: Encoder) -> None:
    found = States(encoder).texts(TEXTS)
    model, tokens = encoder.model, encoder.tokenizer(TEXTS)
    entered = model.token_embedding(tokens) + model.positional_embedding
    for row, count in enumerate(encoder.token_counts(TEXTS)):
        expected = entered[row, : min(count, 12)].mean(dim=0)
        assert np.allclose(found.states[0][row], expected.detach(), atol=1e-5)


def test_a_batch_is_its_inputs_one_by_one(shared: Encoder) -> None:
    states = States(shared)
    together = states.texts(TEXTS)
    for row, text in enumerate(TEXTS):
        alone = states.texts([text])
        for one, all_ in zip(alone.states, together.states, strict=True):
            assert np.allclose(one[0], all_[row], atol=1e-5)
        for number, units in alone.units.items():
            assert np.allclose(units[0], together.units[number][row], atol=1e-5)


def test_units_of_a_shared_tower_token_by_token(shared: Encoder) -> None:
    states = States(shared)
    assert states.shared and states.experts == {0: 1, 1: 3, 2: 1}
    found = states.images(pixels(shared, 2))
    assert {n: u.shape for n, u in found.units.items()} == {0: (2, 24), 1: (2, 72), 2: (2, 24)}
    model = shared.model
    with torch.inference_mode():
        batch = shared.preprocess.normalise(torch.from_numpy(pixels(shared, 2)))
        stream = model.image_stream(batch)
        for number, block in enumerate(model.blocks):
            entered = stream.tokens + block.attention(block.before_attention(stream.tokens), None)
            inner = block.before_mlp(entered)
            assert np.allclose(found.units[number], units(block.mlp, inner), atol=1e-5)
            (stream,), _ = block([stream], None)
            assert np.allclose(found.states[number + 1], stream.tokens.mean(dim=1), atol=1e-5)


def units(mlp: torch.nn.Module, inner: torch.Tensor) -> np.ndarray:
    """How strongly hidden units fire on (b, S, d) tokens, one token after the other."""
    if hasattr(mlp.up, "bias"):
        return functional.relu(functional.gelu(mlp.up(inner))).mean(dim=1).numpy()
    rows = []
    for tokens in inner:
        total = torch.zeros(3, 24)
        for token, chosen in zip(tokens, mlp.router(tokens, None).experts, strict=True):
            for expert in chosen.tolist():
                inside = mlp.up[expert] @ token + mlp.up_bias[expert]
                total[expert] += functional.relu(functional.gelu(inside))
        rows.append((total / len(tokens)).flatten())
    return torch.stack(rows).numpy()


def test_the_query_of_another_thread_is_not_read(encoder: Encoder) -> None:
    states = States(encoder)
    expected = states.texts(TEXTS[:1])

    def query(_module: object, _inputs: object) -> None:
        if threading.current_thread() is threading.main_thread():
            other = threading.Thread(target=encoder.encode_texts, args=(TEXTS,))
            other.start()
            other.join()

    hook = encoder.model.transformer.resblocks[1].register_forward_pre_hook(query)
    try:
        found = states.texts(TEXTS[:1])
    finally:
        hook.remove()
    assert [each.shape for each in found.states] == [each.shape for each in expected.states]
    assert np.allclose(np.stack(found.states), np.stack(expected.states))


def test_stages_of_a_residual_network() -> None:
    model = build(resolve("RN50", "random:0"), "meta")
    assert len(_blocks(model.visual, "image")) == 4
    with pytest.raises(ModelError, match="image tower"):
        _blocks(torch.nn.Linear(2, 2), "image")
