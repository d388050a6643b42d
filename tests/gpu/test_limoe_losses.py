import math
from dataclasses import replace

import pytest
import torch
from scipy.stats import norm

from workbench.gpu.limoe import losses
from workbench.gpu.limoe.model import IMAGE, TEXT, Routed
from workbench.gpu.limoe.routing import Router, Routing
from workbench.gpu.limoe.weights import Weights


def routing_of(logits, top_k=1, sigma=0.0, noise=0.0):
    logits = torch.as_tensor(logits, dtype=torch.float32)
    noisy = logits + noise
    probs = noisy.softmax(dim=1)
    gates, experts = probs.topk(top_k, dim=1)
    return Routing(logits, noisy, probs, experts, gates, torch.ones_like(experts).bool(), sigma)


def uniform(tokens=16, experts=8):
    """Token i is decided for expert i mod E."""
    return torch.eye(experts).repeat(tokens // experts, 1) * 1e4


def one(tokens=16, experts=8):
    logits = torch.zeros(tokens, experts)
    logits[:, 0] = 1e4
    return logits


def test_importance_at_its_limits_and_by_hand():
    assert float(losses.importance(routing_of(uniform()))) == pytest.approx(0, abs=1e-6)
    assert float(losses.importance(routing_of(one()))) == pytest.approx(7)
    two = torch.zeros(16, 8)
    two[::2, 0] = two[1::2, 1] = 1e4
    assert float(losses.importance(routing_of(two))) == pytest.approx(8 / 2 - 1)


def test_load_is_the_chance_to_be_chosen_again_by_a_slow_loop():
    torch.manual_seed(0)
    router = Router(6, 5, 2).train()
    with torch.no_grad():
        found = router(torch.randn(12, 6), None)
    load = [0.0] * 5
    for token in range(12):
        noisy = sorted(found.noisy[token].tolist(), reverse=True)
        for expert in range(5):
            distance = (noisy[1] - float(found.logits[token, expert])) / 0.2
            load[expert] += (1 - norm.cdf(distance)) / 12
    mean = sum(load) / 5
    expected = sum((each - mean) ** 2 for each in load) / 5 / mean**2
    assert float(losses.load(found)) == pytest.approx(expected, rel=1e-4)


def test_load_at_its_limits():
    assert float(losses.load(routing_of(uniform(), sigma=0.1))) == pytest.approx(0, abs=0.05)
    # an expert at the threshold keeps its place in half of the draws; the others never take it
    assert float(losses.load(routing_of(one(), sigma=0.1))) == pytest.approx(7)
    assert float(losses.load(routing_of(one(), sigma=0.0))) == 0
    assert float(losses.load(routing_of(one(experts=2), top_k=2, sigma=0.1))) == 0


def test_z_loss_of_zero_logits_is_the_squared_log_of_the_experts():
    assert float(losses.z_loss(routing_of(torch.zeros(3, 8)))) == pytest.approx(math.log(8) ** 2)
    assert float(losses.z_loss(routing_of(torch.zeros(3, 8)))) == pytest.approx(4.324, abs=1e-3)


def test_entropies_by_a_slow_loop():
    probs = torch.rand(7, 4, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    rows = probs.tolist()
    slow = [-sum(p * math.log(p) for p in row) for row in rows]
    assert float(losses.local_entropy(probs)) == pytest.approx(sum(slow) / 7, rel=1e-5)
    mean = [sum(row[e] for row in rows) / 7 for e in range(4)]
    whole = -sum(p * math.log(p) for p in mean)
    assert float(losses.global_entropy(probs, 4)) == pytest.approx(math.log(4) - whole, rel=1e-4)


def test_entropies_at_their_limits():
    decided, undecided = torch.eye(8), torch.full((5, 8), 1 / 8)
    assert float(losses.local_entropy(decided)) == 0
    assert float(losses.local_entropy(undecided)) == pytest.approx(math.log(8))
    for soft in (1.0, 2.0, 8.0):
        assert float(losses.global_entropy(decided, soft)) == pytest.approx(0, abs=1e-6)
        collapsed = decided[:1].repeat(9, 1)
        assert float(losses.global_entropy(collapsed, soft)) == pytest.approx(math.log(soft))
    nothing = torch.empty(0, 8)
    assert float(losses.local_entropy(nothing)) == float(losses.global_entropy(nothing, 4)) == 0


def test_the_global_loss_has_no_gradient_once_enough_experts_are_used():
    logits = torch.eye(8).mul(3).requires_grad_()
    losses.global_entropy(logits.softmax(dim=1), 4).backward()
    assert float(logits.grad.abs().sum()) == 0
    few = torch.eye(8)[:1].mul(3).repeat(6, 1).requires_grad_()
    losses.global_entropy(few.softmax(dim=1), 4).backward()
    assert float(few.grad.abs().sum()) > 0


def test_local_less_marginal_entropy_is_minus_the_information_of_a_token():
    probs = torch.rand(200, 6, generator=torch.Generator().manual_seed(1)).mul(3).softmax(dim=1)
    marginal = probs.mean(dim=0)
    information = (probs * (probs / marginal).log()).sum(dim=1).mean()
    difference = losses.local_entropy(probs) - losses.entropy(marginal)
    assert float(difference) == pytest.approx(-float(information), abs=1e-5)


def test_contrastive_by_a_slow_loop_and_at_its_limit():
    generator = torch.Generator().manual_seed(0)
    image, text = (torch.randn(5, 7, generator=generator) for _ in range(2))
    image, text = (each / each.norm(dim=1, keepdim=True) for each in (image, text))
    sim = (3.0 * image @ text.T).double()
    total = 0.0
    for i in range(5):
        total -= float(sim[i, i] - sim[i].exp().sum().log())
        total -= float(sim[i, i] - sim[:, i].exp().sum().log())
    found = losses.contrastive(image, text, torch.tensor(3.0))
    assert float(found) == pytest.approx(total / 10, rel=1e-5)
    same = torch.ones(5, 1)
    assert float(losses.contrastive(same, same, torch.tensor(3.0))) == pytest.approx(math.log(5))


def routed(layer, probs_logits, modality):
    zeros = torch.zeros_like(modality)
    return Routed(layer, routing_of(probs_logits, sigma=0.1), modality, zeros, zeros)


def test_the_sum_weighs_terms_over_layers_and_modalities():
    generator = torch.Generator().manual_seed(0)
    modality = torch.tensor([IMAGE] * 6 + [TEXT] * 4)
    layers = [routed(n, torch.randn(10, 4, generator=generator), modality) for n in (1, 3)]
    weights = Weights(local_image=0.3, soft_image=4.0, soft_text=3.0)
    total, terms = losses.auxiliary(layers, weights)
    expected = 0.0
    for each in layers:
        image, text = each.routing.probs[:6], each.routing.probs[6:]
        expected += 0.02 * float(losses.importance(each.routing))
        expected += 0.02 * float(losses.load(each.routing))
        expected += 1e-3 * float(losses.z_loss(each.routing))
        expected += 0.3 * float(losses.local_entropy(image))
        expected += 0.1 * float(losses.local_entropy(text))
        expected += 0.1 * float(losses.global_entropy(image, 4.0))
        expected += 0.1 * float(losses.global_entropy(text, 3.0))
    assert float(total) == pytest.approx(expected / 2, rel=1e-5)
    assert set(terms) == set(vars(weights)) - {"soft_image", "soft_text"}
    off, same = losses.auxiliary(layers, replace(Weights.none(), soft_image=4.0, soft_text=3.0))
    assert float(off) == 0
    assert all(torch.equal(same[name], terms[name]) for name in terms)


def test_sets_of_weights():
    assert Weights.classic() == Weights(local_text=0, global_image=0, global_text=0)
    none = Weights.none()
    assert all(getattr(none, n) == 0 for n in vars(none) if not n.startswith("soft"))
    with pytest.raises(ValueError, match="without mixtures"):
        losses.auxiliary([], none)
