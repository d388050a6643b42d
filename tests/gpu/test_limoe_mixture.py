from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from workbench.gpu.limoe.mixture import Mixture
from workbench.gpu.limoe.routing import Router


def mixture(experts=5, top_k=1, width=8, hidden=12):
    torch.manual_seed(1)
    made = Mixture(width, hidden, Router(width, experts, top_k)).eval()
    with torch.no_grad():
        made.router.weight.mul_(30)  # decided enough to differ between tokens
        made.up_bias.normal_()
        made.down_bias.normal_()
    return made


def masked(made, tokens, routing):
    """Every token through every expert, and a mask: the plain definition of a mixture."""
    total = torch.zeros_like(tokens)
    for expert in range(made.router.experts):
        inner = functional.gelu(tokens @ made.up[expert].T + made.up_bias[expert])
        passed = inner @ made.down[expert].T + made.down_bias[expert]
        weight = (routing.gates * (routing.experts == expert) * routing.kept).sum(dim=1)
        total = total + weight[:, None] * passed
    return total


@pytest.mark.parametrize(("top_k", "factor"), [(1, None), (1, 0.7), (2, None), (3, 0.5)])
def test_dispatch_equals_the_masked_sum_in_values_and_gradients(top_k, factor):
    made, tokens = mixture(top_k=top_k), torch.randn(40, 8)
    goal = torch.randn(40, 8)
    grads = []
    for compute in ("dispatch", "masked"):
        made.zero_grad()
        found, routing = made(tokens, factor)
        if compute == "masked":
            found = masked(made, tokens, routing)
        (found * goal).sum().backward()
        grads.append([found.detach(), *(weight.grad.clone() for weight in made.parameters())])
    for ours, plain in zip(*grads, strict=True):
        assert torch.allclose(ours, plain, atol=1e-5)


def test_a_dropped_token_gets_nothing():
    made, tokens = mixture(), torch.randn(40, 8)
    found, routing = made(tokens, 0.4)
    dropped = ~routing.kept[:, 0]
    assert dropped.any()
    assert torch.equal(found[dropped], torch.zeros(int(dropped.sum()), 8))
    assert (found[~dropped].abs().sum(dim=1) > 0).all()


def test_one_expert_is_the_dense_model():
    made, tokens = mixture(experts=1), torch.randn(20, 8)
    found, routing = made(tokens, 1.0)
    dense = torch.nn.Sequential(torch.nn.Linear(8, 12), torch.nn.GELU(), torch.nn.Linear(12, 8))
    with torch.no_grad():
        for layer, weight, bias in ((0, made.up, made.up_bias), (2, made.down, made.down_bias)):
            dense[layer].weight.copy_(weight[0])
            dense[layer].bias.copy_(bias[0])
    assert torch.equal(routing.gates, torch.ones(20, 1))
    assert torch.allclose(found, dense(tokens), atol=1e-6)


def test_gradients_reach_the_router_and_every_expert_that_was_used():
    made, tokens = mixture(), torch.randn(200, 8)
    found, routing = made(tokens, None)
    found.square().sum().backward()
    assert made.router.weight.grad.abs().sum() > 0
    used = set(routing.experts.flatten().tolist())
    reached = {e for e in range(5) if made.up.grad[e].abs().sum() > 0}
    assert reached == used
    assert len(used) > 2


def test_a_group_without_tokens_passes():
    found, routing = mixture()(torch.randn(0, 8), 1.0)
    assert found.shape == (0, 8)
    assert routing.kept.shape == (0, 1)


def test_a_decision_can_be_changed_before_it_is_carried_out():
    made, tokens = mixture(), torch.randn(30, 8)
    made.reroute = lambda routing: replace(routing, kept=routing.experts != 2)
    found, routing = made(tokens, None)
    off = routing.experts[:, 0] == 2
    assert off.any()
    assert torch.equal(found[off], torch.zeros_like(found[off]))
