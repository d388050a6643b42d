import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.gpu.limoe.routing import Router, capacity, kept_in_order, kept_with_priority


@pytest.mark.parametrize(
    ("tokens", "top_k", "factor", "experts", "room"),
    [
        (8, 1, 1.0, 4, 2),
        (9, 1, 1.0, 4, 3),
        (10, 1, 1.1, 1, 11),
        (3, 1, 0.1, 8, 1),
        (8, 2, 1.5, 8, 3),
    ],
)
def test_capacity_by_hand(tokens, top_k, factor, experts, room):
    assert capacity(tokens, top_k, factor, experts) == room


def slow(experts, room, order):
    """Serve all first choices in the order given, then all second ones."""
    used, kept = {}, torch.zeros_like(experts, dtype=torch.bool)
    for rank in range(experts.shape[1]):
        for token in order:
            expert = int(experts[token, rank])
            if used.get(expert, 0) < room:
                used[expert] = used.get(expert, 0) + 1
                kept[token, rank] = True
    return kept


groups = st.tuples(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 3), st.integers(1, 9))


def drawn(seed, tokens, top_k):
    generator = torch.Generator().manual_seed(seed)
    probs = torch.rand(tokens, 5, generator=generator).softmax(dim=1)
    gates, experts = probs.topk(top_k, dim=1)
    return experts, gates


@given(groups)
def test_serving_in_order_is_the_slow_loop(case):
    seed, tokens, top_k, room = case
    experts, _ = drawn(seed, tokens, top_k)
    assert torch.equal(kept_in_order(experts, 5, room), slow(experts, room, range(tokens)))


@given(groups)
def test_priority_serves_the_surest_first_and_never_exceeds_the_room(case):
    seed, tokens, top_k, room = case
    experts, gates = drawn(seed, tokens, top_k)
    kept = kept_with_priority(experts, gates, 5, room)
    order = sorted(range(tokens), key=lambda token: -float(gates[token, 0]))
    assert torch.equal(kept, slow(experts, room, order))
    for expert in range(5):
        mine = experts == expert
        assert int((mine & kept).sum()) <= room
        first = mine[:, 0]
        served, dropped = first & kept[:, 0], first & ~kept[:, 0]
        if served.any() and dropped.any():
            assert gates[served, 0].min() >= gates[dropped, 0].max()


def test_priority_does_not_depend_on_the_order_of_the_group_but_order_does():
    experts, gates = drawn(3, 30, 1)
    mixed = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    kept = kept_with_priority(experts, gates, 5, 3)
    assert torch.equal(kept_with_priority(experts[mixed], gates[mixed], 5, 3), kept[mixed])
    plain = kept_in_order(experts, 5, 3)
    assert not torch.equal(kept_in_order(experts[mixed], 5, 3), plain[mixed])


def test_all_on_one_expert_keeps_as_many_as_it_has_room_for():
    experts = torch.zeros(10, 1, dtype=torch.int64)
    assert int(kept_in_order(experts, 4, 3).sum()) == 3
    assert int(kept_in_order(experts, 4, 30).sum()) == 10


def test_a_router_gives_probabilities_distinct_choices_and_noise_only_in_training():
    torch.manual_seed(0)
    router, tokens = Router(16, 8, 3).eval(), torch.randn(50, 16)
    found = router(tokens, None)
    assert torch.allclose(found.probs.sum(dim=1), torch.ones(50))
    assert all(len(set(row)) == 3 for row in found.experts.tolist())
    assert torch.equal(found.gates, found.probs.gather(1, found.experts))
    assert found.sigma == 0
    assert found.kept.all()
    noisy = router.train()(tokens, None)
    assert noisy.sigma == 1 / 8
    assert torch.equal(noisy.logits, found.logits)
    assert float((noisy.noisy - noisy.logits).std().detach()) == pytest.approx(1 / 8, rel=0.2)


def test_enough_room_drops_nothing():
    torch.manual_seed(0)
    router, tokens = Router(16, 8, 1).eval(), torch.randn(50, 16)
    assert router(tokens, 8.0).kept.all()
    assert not router(tokens * 100, 0.5).kept.all()


def test_routing_is_in_float32_also_under_autocast():
    router, tokens = Router(16, 8, 1).eval(), torch.randn(5, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = router(tokens, None)
    assert found.logits.dtype == torch.float32
    assert math.isclose(float(found.probs.sum().detach()), 5, rel_tol=1e-5)
