from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.measures.calibration import (
    classwise_ece,
    ece,
    log_softmax,
    reliability,
    temperature,
)
from workbench.measures.selective import aurc, risk_coverage


def slow_ece(confidence, right, bins=15):
    total = 0.0
    for i in range(bins):
        inside = [j for j, c in enumerate(confidence) if i / bins < c <= (i + 1) / bins]
        if inside:
            gap = np.mean([right[j] for j in inside]) - np.mean([confidence[j] for j in inside])
            total += len(inside) / len(confidence) * abs(gap)
    return total


def test_the_worked_example():
    found = ece(np.array([0.95, 0.92, 0.55, 0.52]), np.array([1, 1, 1, 0]))
    assert found == pytest.approx((0.05 + 0.08 + 0.45 + 0.52) / 4)  # each in a bin of its own


def test_a_slow_loop_gives_the_same():
    rng = np.random.default_rng(0)
    confidence = rng.random(400)
    right = rng.random(400) < confidence**2
    assert ece(confidence, right) == pytest.approx(slow_ece(confidence, right))
    assert ece(confidence, right, bins=7) == pytest.approx(slow_ece(confidence, right, 7))


def test_edges_belong_to_the_bin_below_and_0_to_none():
    assert ece(np.array([1.0]), np.array([True])) == 0
    assert ece(np.array([0.0]), np.array([True])) == 0
    (low, *_), (_, *_) = reliability(np.array([0.5, 0.6]), np.array([1, 0]), bins=2)
    assert low == 0.5


def test_uniform_predictions_that_are_right_as_often_as_they_say():
    assert ece(np.full(4, 0.25), np.array([1, 0, 0, 0])) == pytest.approx(0)


def test_reliability_holds_every_image():
    rng = np.random.default_rng(1)
    found = reliability(rng.random(50) + 1e-9, rng.random(50) < 0.5)
    assert sum(n for *_, n in found) == 50 and sum(s for _, _, s, _ in found) == pytest.approx(1)


def test_temperature_undoes_a_factor():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(3000, 5))
    drawn = [rng.choice(5, p=np.exp(row)) for row in log_softmax(logits)]
    once = temperature(logits, np.array(drawn))
    assert once == pytest.approx(1, abs=0.1)
    assert temperature(7 * logits, np.array(drawn)) == pytest.approx(7 * once, rel=1e-3)


def test_temperature_is_torch_s():
    import torch

    rng = np.random.default_rng(4)
    logits = rng.normal(size=(200, 4)) * 3
    truth = np.where(rng.random(200) < 0.6, logits.argmax(axis=1), rng.integers(0, 4, 200))
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_t], max_iter=200, tolerance_grad=1e-12)

    def closure():
        optimiser.zero_grad()
        scaled = torch.tensor(logits) / log_t.exp()
        loss = torch.nn.functional.cross_entropy(scaled, torch.tensor(truth))
        loss.backward()
        return loss

    optimiser.step(closure)
    assert temperature(logits, truth) == pytest.approx(float(log_t.detach().exp()), rel=1e-3)


def test_temperature_needs_an_image():
    with pytest.raises(InputError):
        temperature(np.empty((0, 2)), np.empty(0, int))


def test_classwise():
    assert classwise_ece(np.eye(3), np.arange(3)) == 0
    assert classwise_ece(np.full((2, 2), 0.5), np.array([0, 1])) == pytest.approx(0)
    assert classwise_ece(np.array([[0.9, 0.1]]), np.array([1])) == pytest.approx(0.9)
    assert math.isnan(classwise_ece(np.zeros((1, 2)), np.array([0])))


def test_nothing():
    assert math.isnan(ece(np.empty(0), np.empty(0))) and math.isnan(aurc(np.empty(0), np.empty(0)))


def test_risk_by_hand():
    coverage, risk = risk_coverage(np.array([0.9, 0.1, 0.5]), np.array([1, 0, 0]))
    assert coverage == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk == pytest.approx([0, 1 / 2, 2 / 3])
    assert aurc(np.array([0.9, 0.1, 0.5]), np.array([1, 0, 0])) == pytest.approx(7 / 18)


def test_ties_do_not_depend_on_the_order():
    one = risk_coverage(np.array([0.5, 0.5]), np.array([1, 0]))[1]
    two = risk_coverage(np.array([0.5, 0.5]), np.array([0, 1]))[1]
    assert one.tolist() == two.tolist() == [0.5, 0.5]
