from dataclasses import replace

import pytest
import torch

from workbench.errors import InputError, ModelError
from workbench.gpu.limoe.ablate import switched_off
from workbench.gpu.limoe.config import LimoeConfig
from workbench.gpu.limoe.model import Limoe

CONFIG = LimoeConfig(
    image_size=16,
    patch_size=4,
    context_length=8,
    vocab_size=50,
    width=16,
    layers=2,
    heads=2,
    hidden=24,
    embed_dim=12,
    experts=4,
    moe_layers=(1,),
)


def made(**more):
    torch.manual_seed(0)
    model = Limoe(replace(CONFIG, **more)).eval()
    with torch.no_grad():
        model.mixtures()[1].router.weight.mul_(40)
    return model


def encoded(model, pixels):
    with torch.no_grad():
        return model.encode_image(pixels)


@pytest.fixture
def pixels():
    return torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_residual_is_an_expert_whose_output_is_zero(pixels):
    model, silent = made(), made()
    with torch.no_grad():
        silent.mixtures()[1].down[2] = 0
        silent.mixtures()[1].down_bias[2] = 0
    with switched_off(model, {1: [2]}, "residual"):
        found = encoded(model, pixels)
    assert torch.allclose(found, encoded(silent, pixels), atol=1e-6)
    assert not torch.allclose(found, encoded(model, pixels), atol=1e-4)


def test_reroute_is_the_model_without_that_expert(pixels):
    model, fewer = made(), made(experts=3)
    left = [0, 1, 3]
    state = model.state_dict()
    fewer.load_state_dict(
        {
            name: value[left] if name.startswith("blocks.1.mlp") else value
            for name, value in state.items()
        }
    )
    with switched_off(model, {1: [2]}, "reroute"):
        found = encoded(model, pixels)
    assert torch.allclose(found, encoded(fewer, pixels), atol=1e-6)


@pytest.mark.parametrize("mode", ["residual", "reroute"])
def test_the_model_is_as_before_also_after_an_error(pixels, mode):
    model = made()
    before = encoded(model, pixels)
    with pytest.raises(RuntimeError, match="stop"), switched_off(model, {1: [0]}, mode):
        raise RuntimeError("stop")
    assert torch.equal(encoded(model, pixels), before)


def test_an_expert_that_serves_nothing_changes_nothing(pixels):
    model = made()
    before = encoded(model, pixels)
    with torch.no_grad():
        _, routed = model.through([model.image_stream(pixels)], None)
    counts = torch.bincount(routed[0].routing.experts.flatten(), minlength=4)
    for expert in range(4):
        with switched_off(model, {1: [expert]}, "residual"):
            changed = not torch.equal(encoded(model, pixels), before)
        assert changed == bool(counts[expert])


def test_what_cannot_be_switched_off_is_refused():
    model = made()
    with pytest.raises(ModelError, match="block 0"), switched_off(model, {0: [1]}, "residual"):
        pass
    with pytest.raises(InputError, match="0 to 3"), switched_off(model, {1: [4]}, "residual"):
        pass
    everything = {1: [0, 1, 2, 3]}
    with pytest.raises(InputError, match="one is left"), switched_off(model, everything, "reroute"):
        pass
    with switched_off(model, everything, "residual"):
        assert encoded(model, torch.zeros(1, 3, 16, 16)).isfinite().all()
