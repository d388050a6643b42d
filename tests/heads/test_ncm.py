from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from workbench.errors import InputError
from workbench.heads.head import ArrayImages, Material, Support
from workbench.heads.ncm import Params, class_means, prepare


def _unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _material(vectors, labels, classes: int) -> Material:
    images = ArrayImages(np.zeros((0, 8), np.float32))
    starts = np.arange(classes + 1)
    support = Support(vectors, np.asarray(labels))
    return Material(images, _unit(classes, seed=9), starts, 10.0, support=support)


def test_the_means_point_where_scikit_learns_centroids_point() -> None:
    vectors, labels = _unit(90), np.random.default_rng(1).integers(0, 4, 90)
    theirs = NearestCentroid().fit(vectors, labels).centroids_
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    assert np.allclose(class_means(vectors, labels, 4), theirs, atol=1e-5)


def test_with_one_shot_it_is_the_nearest_neighbour() -> None:
    vectors, labels, queries = _unit(6), np.array([3, 1, 0, 5, 2, 4]), _unit(50, seed=2)
    found = prepare(_material(vectors, labels, 6), Params()).logits(queries, 0)
    theirs = KNeighborsClassifier(1).fit(vectors, labels).predict(queries)
    assert np.array_equal(found.argmax(axis=1), theirs)
    assert np.allclose(found[:, 3], 10 * queries @ vectors[0], atol=1e-5)


def test_a_class_without_images_is_never_predicted() -> None:
    scorer = prepare(_material(_unit(4), [0, 0, 3, 3], 5), Params())
    found = scorer.logits(_unit(30, seed=2), 0)
    assert set(found.argmax(axis=1)) == {0, 3}
    assert np.isfinite(found).all()
    assert scorer.parts(_unit(1)[0], 1, 0) is None
    assert scorer.parts(_unit(1)[0], 0, 0) is None


def test_images_that_cancel_out_leave_no_direction() -> None:
    row = _unit(1)
    assert not class_means(np.concatenate([row, -row]), np.array([0, 0]), 1).any()


@pytest.mark.parametrize(
    ("vectors", "labels", "text"),
    [
        (_unit(0), [], "labelled images"),
        (_unit(2), [0, 3], "3 in row 1"),
        (_unit(2), [-1, 0], "-1 in row 0"),
        (_unit(2) * np.nan, [0, 1], "unit length"),
        (_unit(2), [0], "shape"),
        (_unit(2, 4), [0, 1], "shape"),
    ],
)
def test_labelled_images_that_do_not_fit_are_refused(vectors, labels, text: str) -> None:
    with pytest.raises(InputError, match=text):
        prepare(_material(vectors, np.array(labels, np.int64), 3), Params())


def test_none_at_all_are_refused() -> None:
    material = Material(ArrayImages(_unit(1)), _unit(2), np.arange(3))
    with pytest.raises(InputError, match="labelled images"):
        prepare(material, Params())
