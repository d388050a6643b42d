"""REAL-Linear against torch's AdamW, and at its ends."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.heads.head import ArrayImages, Material, Support
from workbench.heads.mean import class_vectors
from workbench.heads.real_linear import Params, _schedule, prepare, steps, train

C, D, M = 5, 12, 40


def unit(rows: int, seed: int) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((rows, D)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def world() -> Material:
    texts, images = unit(2 * C, 0), unit(M, 1)
    labels = np.random.default_rng(2).integers(0, C - 1, M)  # the last class has no image
    starts = np.arange(0, 2 * C + 1, 2)
    support = Support(images, labels.astype(np.int64))
    return Material(ArrayImages(images), texts, starts, 20.0, support=support, seed=3)


def test_training_is_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    material, params = world(), Params(rate=0.01, decay=0.1, batch=8)
    begin, _ = class_vectors(material.texts, material.starts)
    owner = np.repeat(np.arange(C), 2)
    support = material.support
    found = train(
        begin, support.vectors, support.labels, material.texts, owner, scale=20.0, params=params
    )
    weights = torch.nn.Parameter(torch.from_numpy(begin.copy()))
    optimizer = torch.optim.AdamW([weights], lr=0.01, weight_decay=0.1)
    rng = np.random.default_rng(0)
    queues: list[list[int]] = [[], []]
    total = steps(M, params)
    assert total == M * 10 // 8
    for step in range(1, total + 1):
        places = []
        for queue, count in zip(queues, (M, 2 * C), strict=True):
            while len(queue) < 8:
                queue.extend(rng.permutation(count).tolist())
            places.append([queue.pop(0) for _ in range(8)])
        batch = np.concatenate([support.vectors[places[0]], material.texts[places[1]]])
        truth = np.concatenate([support.labels[places[0]], owner[places[1]]])
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * _schedule(step, total)
        optimizer.zero_grad()
        logits = 20.0 * torch.from_numpy(batch) @ weights.T
        torch.nn.functional.cross_entropy(logits, torch.from_numpy(truth)).backward()
        optimizer.step()
    np.testing.assert_allclose(found, weights.detach().numpy(), atol=2e-4)


def test_the_schedule_rises_and_falls() -> None:
    assert _schedule(25, 1000) == 0.5 and _schedule(50, 1000) == 1
    assert _schedule(525, 1000) == pytest.approx(0.5) and _schedule(1000, 1000) == 0
    assert _schedule(1, 1) == 1


def test_nothing_mixed_in_is_the_zero_shot_head() -> None:
    material = world()
    begin, _ = class_vectors(material.texts, material.starts)
    np.testing.assert_allclose(prepare(material, Params(mix=0)).weights, begin, atol=1e-6)
    half, whole = (prepare(material, Params(mix=mix, rate=0.01)).weights for mix in (0.5, 1.0))
    np.testing.assert_allclose(half, (begin + whole) / 2, atol=1e-6)


def test_it_learns_what_the_images_show() -> None:
    """Images of two classes whose texts are exchanged: training puts them right."""
    texts = np.eye(2, 4, dtype=np.float32)
    images = np.repeat(texts[::-1], 50, axis=0)
    labels = np.repeat([0, 1], 50)
    images[:, 2] = np.random.default_rng(0).normal(0, 0.1, 100)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    material = Material(
        ArrayImages(images), texts, np.arange(3), 10.0, support=Support(images, labels)
    )
    wrong = prepare(material, Params(mix=0)).logits(images, 0).argmax(axis=1)
    assert (wrong != labels).all()
    # texts pull the other way, so the images win by number only: most steps see both alike
    scorer = prepare(material, Params(mix=1, rate=0.05))
    assert scorer.weights.shape == (2, 4) and np.isfinite(scorer.weights).all()
    before, after = (
        (10 * images @ w.T)[np.arange(100), labels].mean() for w in (texts, scorer.weights)
    )
    assert after > before


def test_the_same_seed_gives_the_same_and_images_are_needed() -> None:
    material = world()
    one, two = (prepare(material, Params(rate=0.01)).weights for _ in range(2))
    np.testing.assert_array_equal(one, two)
    bare = Material(material.images, material.texts, material.starts, 20.0)
    with pytest.raises(InputError):
        prepare(bare, Params())
