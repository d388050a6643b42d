import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.loss import ClipLoss, SigLipLoss

from sample_data.train.losses import LOSSES, sigmoid_loss, softmax_loss


def unit(seed: int, rows: int) -> torch.Tensor:
    values = np.random.default_rng(seed).normal(size=(rows, 5))
    return torch.from_numpy(values / np.linalg.norm(values, axis=1, keepdims=True))


def slow_sigmoid(image: np.ndarray, text: np.ndarray, scale: float, bias: float) -> float:
    total = 0.0
    for i, a in enumerate(image):
        for j, b in enumerate(text):
            logit = scale * sum(x * y for x, y in zip(a, b, strict=True)) + bias
            total += math.log(1 + math.exp(-logit if i == j else logit))
    return total / len(image)


def slow_softmax(image: np.ndarray, text: np.ndarray, scale: float) -> float:
    logits = [[scale * float(np.dot(a, b)) for b in text] for a in image]
    columns = [list(column) for column in zip(*logits, strict=True)]

    def one_way(rows: list[list[float]]) -> float:
        lost = [math.log(sum(math.exp(v) for v in row)) - row[i] for i, row in enumerate(rows)]
        return sum(lost) / len(lost)

    return (one_way(logits) + one_way(columns)) / 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7), st.floats(0.1, 30), st.floats(-12, 3))
def test_sigmoid_equals_a_slow_loop_and_open_clip(seed, rows, scale, bias):
    image, text = unit(seed, rows), unit(seed + 1, rows)
    s, b = torch.tensor(scale, dtype=torch.float64), torch.tensor(bias, dtype=torch.float64)
    found = float(sigmoid_loss(image, text, s, b))
    assert found == pytest.approx(slow_sigmoid(image.numpy(), text.numpy(), scale, bias))
    assert found == pytest.approx(float(SigLipLoss()(image, text, s, b)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7), st.floats(0.1, 30))
def test_softmax_equals_a_slow_loop_and_open_clip(seed, rows, scale):
    image, text = unit(seed, rows), unit(seed + 1, rows)
    s = torch.tensor(scale, dtype=torch.float64)
    found = float(softmax_loss(image, text, s))
    assert found == pytest.approx(slow_softmax(image.numpy(), text.numpy(), scale))
    assert found == pytest.approx(float(ClipLoss()(image, text, s)))


def test_softmax_of_features_that_say_nothing_is_log_batch():
    same = torch.ones(6, 4) / 2
    assert float(softmax_loss(same, same, torch.tensor(10.0))) == pytest.approx(math.log(6))


def test_a_missing_bias_counts_as_zero():
    image, text, scale = unit(1, 4), unit(2, 4), torch.tensor(3.0)
    with_zero = sigmoid_loss(image, text, scale, torch.tensor(0.0))
    assert float(sigmoid_loss(image, text, scale)) == pytest.approx(float(with_zero))


def test_starts_as_published():
    assert LOSSES["clip"].init["init_logit_scale"] == pytest.approx(math.log(1 / 0.07))
    assert LOSSES["siglip"].init["init_logit_bias"] == -10
    assert math.exp(LOSSES["siglip"].init["init_logit_scale"]) == pytest.approx(10)
