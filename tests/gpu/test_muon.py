import numpy as np
import pytest
import torch

from sample_data.train.optimizer import optimizers_for
from workbench.gpu.limoe.optimizers import set_rates
from workbench.gpu.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(6, 6), (12, 5), (5, 12)])
def test_singular_vectors_stay_and_values_become_about_one(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(torch.from_numpy(matrix)).numpy()
    core = left.T @ found @ right.T
    assert np.all((np.diag(core) > 0.6) & (np.diag(core) < 1.3))
    assert np.abs(core - np.diag(np.diag(core))).max() < 1e-9


def test_each_expert_of_a_stack_is_made_orthogonal_for_itself():
    stack = torch.from_numpy(np.random.default_rng(2).normal(size=(3, 5, 12)))
    alone = torch.stack([orthogonal(matrix) for matrix in stack])
    assert torch.allclose(orthogonal(stack), alone)


def test_a_step_has_the_size_of_the_learning_rate():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(32, 48))
    weight.grad = torch.randn(32, 48) * 1e-6
    Muon([weight], lr=0.01, weight_decay=0.0).step()
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.002, rel=0.3)


def test_decay_shrinks_and_weights_without_gradient_stay():
    still = torch.nn.Parameter(torch.ones(4, 4))
    moved = torch.nn.Parameter(torch.ones(4, 4))
    moved.grad = torch.zeros(4, 4)
    Muon([still, moved], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(still.detach(), torch.ones(4, 4))
    assert torch.allclose(moved.detach(), torch.full((4, 4), 0.95))


def test_finds_the_minimum_of_a_quadratic():
    torch.manual_seed(1)
    goal = torch.randn(8, 8)
    weight = torch.nn.Parameter(torch.zeros(8, 8))
    optimizer = Muon([weight], lr=0.05, weight_decay=0.0)
    for _ in range(400):
        optimizer.zero_grad()
        (weight - goal).square().sum().backward()
        optimizer.step()
    assert float((weight.detach() - goal).abs().mean()) < 0.1


def test_every_weight_has_one_optimizer_and_only_matrices_decay():
    model = torch.nn.ModuleDict(
        {"resblocks": torch.nn.Linear(4, 4), "token_embedding": torch.nn.Embedding(3, 4)}
    )
    model.register_parameter("projection", torch.nn.Parameter(torch.ones(4, 2)))
    optimizers, peaks = optimizers_for(model)
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    sizes = [[tuple(w.shape) for w in group["params"]] for group in groups]
    assert sizes == [[(4, 2)], [(4,), (3, 4)], [(4, 4)]]
    assert [group["weight_decay"] > 0 for group in groups] == [True, False, True]
    set_rates(optimizers, peaks, 0.5)
    assert [g["lr"] for g in groups] == [rate / 2 for rates in peaks for rate in rates]
