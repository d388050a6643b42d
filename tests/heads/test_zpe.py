from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.heads import similarity
from workbench.heads.head import ArrayImages, Material
from workbench.heads.zpe import Params, kept_prompts, prepare, prompt_scores

LOGITS = np.array([[[30, 20], [26, 24]], [[22, 28], [25, 27]]], float)
"""(image, prompt, class) of the worked example."""


def unit(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def with_logits(logits: np.ndarray, scale: float = 100) -> Material:
    """Unit vectors whose cosines are these logits: images are axes, each text has its own axis."""
    n, prompts, classes = logits.shape
    cosines = logits.transpose(2, 1, 0).reshape(-1, n) / scale
    rest = np.diag(np.sqrt(1 - (cosines**2).sum(axis=1)))
    texts = np.concatenate([cosines, rest], axis=1).astype(np.float32)
    images = np.eye(n, texts.shape[1], dtype=np.float32)
    starts = np.arange(0, classes * prompts + 1, prompts)
    return Material(ArrayImages(images), texts, starts, scale)


def weights(material: Material, params: Params) -> np.ndarray:
    factors = prepare(material, params).factors
    assert factors is not None
    return factors[: material.starts[1]]


def test_the_worked_example_without_debiasing() -> None:
    material = with_logits(LOGITS)
    scores = prompt_scores(material, material.by_prompt(), None)
    assert scores == pytest.approx([29, 26.5], abs=1e-4)
    assert weights(material, Params("none")) == pytest.approx([0.924, 0.076], abs=5e-4)


def test_the_worked_example_with_given_means() -> None:
    material = with_logits(LOGITS)
    pretraining, test = np.array([[24, 22], [20, 21]]), LOGITS.mean(axis=0)
    means = (pretraining + test) / 2
    scores = prompt_scores(material, material.by_prompt(), means)
    assert scores == pytest.approx([5.0, 3.5], abs=1e-4)


def test_debiasing_by_these_images_by_hand() -> None:
    # means (26, 24) and (25.5, 25.5); largest rests 4, 4 and .5, 1.5
    assert weights(with_logits(LOGITS), Params("test")) == pytest.approx([0.9526, 0.0474], abs=1e-3)


def test_the_logits_are_weighed_as_they_are() -> None:
    material = with_logits(LOGITS)
    w = weights(material, Params("none"))
    found = prepare(material, Params("none")).logits(material.images.array, 0)
    assert np.allclose(found, np.einsum("p,npc->nc", w, LOGITS), atol=1e-3)


def test_a_prompt_that_is_nearer_to_everything_gains_only_without_debiasing() -> None:
    moved = LOGITS + np.array([0, 3])[None, :, None]
    same = [weights(with_logits(each), Params("test")) for each in (LOGITS, moved)]
    assert np.allclose(*same, atol=1e-3)
    other = [weights(with_logits(each), Params("none")) for each in (LOGITS, moved)]
    assert abs(other[0][0] - other[1][0]) > 0.3


def test_equal_prompts_weigh_alike() -> None:
    texts, images = np.repeat(unit(4), 3, axis=0), unit(30, seed=1)
    material = Material(ArrayImages(images), texts, np.arange(0, 13, 3))
    assert weights(material, Params()) == pytest.approx([1 / 3] * 3, abs=1e-6)
    plain = similarity.prepare(material, similarity.Params()).logits(images, 0)
    assert np.allclose(prepare(material, Params()).logits(images, 0), plain, atol=1e-4)


def test_against_a_slow_loop() -> None:
    texts, images = unit(20), unit(33, seed=1)
    material = Material(ArrayImages(images), texts, np.arange(0, 21, 4), 20.0)
    cosines = 20 * np.array(
        [[[x @ texts[4 * c + p] for c in range(5)] for p in range(4)] for x in images]
    )
    for debias in ("test", "none"):
        rest = cosines - (cosines.mean(axis=0) if debias == "test" else 0)
        raised = np.exp([np.mean([max(image[p]) for image in rest]) for p in range(4)])
        expected = raised / raised.sum()
        assert weights(material, Params(debias)) == pytest.approx(expected, abs=1e-4)


def test_selection_by_median_absolute_deviations() -> None:
    scores = np.array([1, 1.1, 1.2, 1.3, 3])  # z = -2, -1, 0, 1, 18
    assert kept_prompts(scores, 0).tolist() == [1, 1, 1, 1, 1]
    assert kept_prompts(scores, 0.5).tolist() == [0, 0, 0, 1, 1]
    assert kept_prompts(scores, 17.9).tolist() == [0, 0, 0, 0, 1]
    with pytest.raises(InputError, match="Lower"):
        kept_prompts(scores, 18.5)
    assert kept_prompts(np.array([1, 1, 1, 2.0]), 0.5).tolist() == [0, 0, 0, 1]


def test_the_weights_of_kept_prompts_sum_to_one() -> None:
    material = Material(ArrayImages(unit(50, seed=1)), unit(35), np.arange(0, 36, 7), 10.0)
    found = weights(material, Params("test", 0.5))
    assert found.sum() == pytest.approx(1)
    assert 0 < (found > 0).sum() < 7


def test_classes_with_different_numbers_of_prompts_are_refused() -> None:
    material = Material(ArrayImages(unit(3)), unit(5), np.array([0, 2, 5]))
    with pytest.raises(InputError, match="2 to 3 prompts a class"):
        prepare(material, Params())


def test_no_image_weighs_all_alike() -> None:
    material = Material(ArrayImages(unit(0)), unit(6), np.array([0, 3, 6]))
    assert weights(material, Params()) == pytest.approx([1 / 3] * 3)
