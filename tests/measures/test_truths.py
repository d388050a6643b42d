from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.measures.truths import (
    Truths,
    captions_of_images,
    captions_with_texts_of_images,
    images_of_captions,
    images_of_texts,
)

# Image 0 has captions 0 and 3, image 1 none, image 2 captions 1, 2 and 4.
ITEMS = np.array([0, 2, 2, 0, 2])
# Captions 0 and 2 are the same words, and so are 3 and 4.
TEXTS = np.array([7, 8, 7, 9, 9])


def lists(truths: Truths) -> list[list[int]]:
    return [part.tolist() for part in np.split(truths.columns, truths.starts[1:-1])]


def test_each_caption_has_its_image_and_each_image_its_captions() -> None:
    assert lists(images_of_captions(ITEMS, 3)) == [[0], [2], [2], [0], [2]]
    assert lists(captions_of_images(ITEMS, 3)) == [[0, 3], [], [1, 2, 4]]


def test_equal_texts_share_their_images_and_captions() -> None:
    assert lists(images_of_texts(ITEMS, TEXTS, 3)) == [[0, 2], [2], [0, 2], [0, 2], [0, 2]]
    right = lists(captions_with_texts_of_images(ITEMS, TEXTS, 3))
    assert right == [[0, 2, 3, 4], [], [0, 1, 2, 3, 4]]


def test_texts_that_all_differ_change_nothing() -> None:
    each = np.arange(5)
    assert lists(images_of_texts(ITEMS, each, 3)) == lists(images_of_captions(ITEMS, 3))
    strict, tolerant = (
        captions_of_images(ITEMS, 3),
        captions_with_texts_of_images(ITEMS, each, 3),
    )
    assert lists(strict) == lists(tolerant)


def test_queries_are_taken_in_the_given_order() -> None:
    taken = captions_of_images(ITEMS, 3).take(np.array([2, 1, 0, 2]))
    assert lists(taken) == [[1, 2, 4], [], [0, 3], [1, 2, 4]]


@pytest.mark.parametrize("items", [[0, 3], [-1, 0], [0.5, 1.0], [[0], [1]]])
def test_captions_of_no_image_are_refused(items: list[object]) -> None:
    with pytest.raises(InputError, match="caption_item"):
        captions_of_images(np.array(items), 3)


def test_one_text_number_a_caption_is_wanted() -> None:
    with pytest.raises(InputError, match="caption_text"):
        images_of_texts(ITEMS, TEXTS[:3], 3)
    with pytest.raises(InputError, match="starts"):
        Truths(np.array([0, 2, 1]), np.array([0]), 3)
