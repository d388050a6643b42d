from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.head import ArrayImages, Material
from workbench.heads.loki import Params, prepare

PATH = np.abs(np.subtract.outer(np.arange(3), np.arange(3)))


def _unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _material(texts: np.ndarray, metric=None, scale: float = 10.0) -> Material:
    images = ArrayImages(np.zeros((0, texts.shape[1]), np.float32))
    return Material(images, texts, np.arange(len(texts) + 1), scale, metric=metric)


def test_the_worked_example_predicts_the_least_likely_class() -> None:
    """On the path 1 - 2 - 3 with P = (.4, .2, .4) the expected squares are (1.8, .8, 1.8)."""
    image = np.log(np.array([[0.4, 0.2, 0.4]], np.float32))
    length = np.linalg.norm(image)
    material = _material(np.eye(3, dtype=np.float32), PATH, scale=float(length))
    found = prepare(material, Params()).logits(image / length, 0)
    assert np.allclose(found, [[-1.8, -0.8, -1.8]], atol=1e-5)


def test_on_the_complete_graph_it_is_the_mean_head() -> None:
    images, texts = _unit(60), _unit(9, seed=1)
    found = prepare(_material(texts, 1 - np.eye(9)), Params()).logits(images, 0)
    plain = mean.prepare(_material(texts), mean.Params()).logits(images, 0)
    odds = np.exp(plain)
    assert np.allclose(found, odds / odds.sum(axis=1, keepdims=True) - 1, atol=1e-5)


@pytest.mark.parametrize("observed", ["", "0,3-5"])
def test_the_distance_of_embeddings_agrees_with_a_slow_loop(observed: str) -> None:
    images, texts = _unit(11), _unit(7, seed=1)
    material = _material(texts, np.ones((7, 7)))
    found = prepare(material, Params(metric="text", observed=observed)).logits(images, 0)
    rows = [0, 3, 4, 5] if observed else range(7)
    for image, row in zip(images, found, strict=True):
        odds = np.array([np.exp(10 * image @ texts[k]) for k in rows])
        for j in range(7):
            squares = [((texts[k] - texts[j]) ** 2).sum() for k in rows]
            assert row[j] == pytest.approx(-5 * (odds @ squares) / odds.sum(), abs=1e-3)


def test_the_row_of_a_given_metric_is_the_prediction_and_its_column_the_truth() -> None:
    texts = np.eye(2, dtype=np.float32)
    material = _material(texts, np.array([[0, 5], [2, 0]]), scale=100)
    found = prepare(material, Params(metric="given", observed="1")).logits(texts, 0)
    assert np.allclose(found, [[-25, 0]] * 2)


def test_a_certain_answer_stays_and_one_class_is_one_class() -> None:
    texts = _unit(5)
    found = prepare(_material(texts, scale=1e4), Params()).logits(texts, 0)
    assert np.array_equal(found.argmax(axis=1), np.arange(5))
    one = prepare(_material(_unit(1), np.zeros((1, 1))), Params()).logits(_unit(1, seed=3), 0)
    assert one.tolist() == [[0]]


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        (np.ones((2, 3)), "between 3 classes"),
        (np.full((3, 3), np.nan), "nan between classes 0 and 0"),
        (PATH - 1, "-1 between classes 0 and 0"),
        (np.where(PATH == 2, np.inf, PATH), "inf between classes 0 and 2"),
        (None, "hierarchy"),
    ],
)
def test_what_is_no_metric_is_refused(metric: np.ndarray | None, text: str) -> None:
    with pytest.raises(InputError, match=text):
        prepare(_material(np.eye(3, dtype=np.float32), metric), Params(metric="given"))
