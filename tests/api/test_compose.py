"""The query vector, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.api import Query
from workbench.api.search import compose
from workbench.errors import InputError

X = np.array([1, 0, 0], dtype=np.float32)
Y = np.array([0, 1, 0], dtype=np.float32)
Z = np.array([0.6, 0.8, 0], dtype=np.float32)


def test_a_text_alone_is_itself():
    np.testing.assert_allclose(compose(Query("a"), text=Z), Z, atol=1e-7)


def test_exclusion_subtracts_half_of_the_excluded_text_and_renormalises():
    # (0.6, 0.8) - 0.5 (0, 1) = (0.6, 0.3), of length 0.6708
    got = compose(Query("a", exclude="b"), text=Z, exclude=Y)
    np.testing.assert_allclose(got, [0.894427, 0.447214, 0], atol=1e-5)


def test_exclude_weight_zero_changes_nothing():
    got = compose(Query("a", exclude="b", exclude_weight=0.0), text=Z, exclude=Y)
    np.testing.assert_allclose(got, Z, atol=1e-7)


def test_image_and_text_are_a_weighted_sum_of_unit_vectors():
    # 0.75 (1, 0) + 0.25 (0, 1), of length 0.790569
    got = compose(Query("a", image=b"x", image_weight=0.75), text=Y, image=X)
    np.testing.assert_allclose(got, [0.948683, 0.316228, 0], atol=1e-5)


@pytest.mark.parametrize(("weight", "expected"), [(1.0, X), (0.0, Y)])
def test_the_ends_of_the_image_weight_are_image_and_text_alone(weight, expected):
    got = compose(Query("a", image=b"x", image_weight=weight), text=Y, image=X)
    np.testing.assert_allclose(got, expected, atol=1e-7)


def test_parts_that_cancel_are_refused():
    with pytest.raises(InputError, match="cancel one another"):
        compose(Query("a", exclude="a", exclude_weight=1.0), text=X, exclude=X)
    with pytest.raises(InputError, match="cancel one another"):
        compose(Query("a", image=b"x"), text=-X, image=X)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 3))
def test_any_query_vector_is_of_unit_length(seed, image_weight, exclude_weight):
    parts = np.random.default_rng(seed).normal(size=(3, 8)).astype(np.float32)
    text, image, exclude = parts / np.linalg.norm(parts, axis=1, keepdims=True)
    query = Query(
        "a", exclude="b", image=b"x", image_weight=image_weight, exclude_weight=exclude_weight
    )
    got = compose(query, text=text, exclude=exclude, image=image)
    assert got.dtype == np.float32
    assert abs(np.linalg.norm(got) - 1) < 1e-5


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"text": "   "},
        {"exclude": "only this"},
        {"image": b"x", "item": ("test", 0)},
        {"text": "a", "image_weight": 1.1},
        {"text": "a", "image_weight": float("nan")},
        {"text": "a", "exclude_weight": -0.1},
        {"text": "a", "exclude_weight": float("inf")},
    ],
)
def test_a_query_that_cannot_be_asked_is_refused(words):
    with pytest.raises(InputError):
        Query(**words)
