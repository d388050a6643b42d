"""Which results are right for each query: any number of rows of the gallery, none included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.types import Rows

__all__ = [
    "Truths",
    "captions_of_images",
    "captions_with_texts_of_images",
    "check_caption_items",
    "images_of_captions",
    "images_of_texts",
]


@dataclass(frozen=True)
class Truths:
    """The right gallery rows of Q queries, in one flat array.

    Args:
        starts: int64 (Q + 1,), ascending from 0; query i owns ``columns[starts[i]:starts[i + 1]]``.
        columns: int64 rows of the gallery, in [0, gallery), distinct within a query.
        gallery: number of rows that are ranked.
    """

    starts: Rows
    columns: Rows
    gallery: int

    def __post_init__(self) -> None:
        ends_right = len(self.starts) > 0 and self.starts[-1] == len(self.columns)
        if not ends_right or self.starts[0] != 0 or np.any(np.diff(self.starts) < 0):
            raise InputError(
                "truths", expected="starts that ascend from 0 to the number of columns"
            )
        if len(self.columns) and not _inside(self.columns, self.gallery):
            got = f"{self.columns.min()} to {self.columns.max()}"
            raise InputError("truths", expected=f"rows from 0 to {self.gallery - 1}", got=got)

    def __len__(self) -> int:
        """Number of queries."""
        return len(self.starts) - 1

    @property
    def counts(self) -> Rows:
        """int64 (Q,): how many results are right for each query; 0 where a query has none."""
        return np.diff(self.starts)

    def take(self, queries: Rows) -> Truths:
        """The truths of some queries, in the given order."""
        counts = self.counts[queries]
        starts = np.concatenate(([0], np.cumsum(counts)))
        inside = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
        return Truths(starts, self.columns[np.repeat(self.starts[queries], counts) + inside],
                      self.gallery)  # fmt: skip


def images_of_captions(caption_item: Rows, images: int) -> Truths:
    """For each caption its one image. ``caption_item``: int64 (M,) in [0, images)."""
    check_caption_items(caption_item, images)
    return Truths(np.arange(len(caption_item) + 1), caption_item.astype(np.int64), images)


def captions_of_images(caption_item: Rows, images: int) -> Truths:
    """For each image all its captions; none for an image without caption."""
    check_caption_items(caption_item, images)
    return _grouped(caption_item, np.arange(len(caption_item)), images, len(caption_item))


def images_of_texts(caption_item: Rows, caption_text: Rows, images: int) -> Truths:
    """For each caption every image that carries the very same text.

    Args:
        caption_item: int64 (M,), item row of each caption.
        caption_text: int64 (M,), equal numbers for equal texts, e.g. ``np.unique``'s inverse.
        images: N, size of the gallery.
    """
    check_caption_items(caption_item, images)
    texts, inverse = np.unique(_texts(caption_text, caption_item), return_inverse=True)
    pairs = np.unique(np.stack([inverse, caption_item]), axis=1)
    return _grouped(pairs[0], pairs[1], len(texts), images).take(inverse)


def captions_with_texts_of_images(caption_item: Rows, caption_text: Rows, images: int) -> Truths:
    """For each image every caption whose text is that of one of its own captions."""
    check_caption_items(caption_item, images)
    texts, inverse = np.unique(_texts(caption_text, caption_item), return_inverse=True)
    total = len(caption_item)
    carriers = _grouped(inverse, np.arange(total), len(texts), total)
    item, text = np.unique(np.stack([caption_item, inverse]), axis=1)
    right = carriers.take(text)
    return _grouped(np.repeat(item, right.counts), right.columns, images, total)


def check_caption_items(caption_item: Rows, images: int) -> None:
    """Refuse captions that name no image. Raises InputError."""
    if caption_item.ndim != 1 or not np.issubdtype(caption_item.dtype, np.integer):
        got = f"{caption_item.dtype} of shape {caption_item.shape}"
        raise InputError("caption_item", expected="whole numbers of shape (M,)", got=got)
    if len(caption_item) and not _inside(caption_item, images):
        got = f"{caption_item.min()} to {caption_item.max()}"
        raise InputError("caption_item", expected=f"item rows from 0 to {images - 1}", got=got)


def _inside(rows: Rows, count: int) -> bool:
    return bool(rows.min() >= 0 and rows.max() < count)


def _texts(caption_text: Rows, caption_item: Rows) -> NDArray[np.int64]:
    if caption_text.shape != caption_item.shape:
        expected, got = f"shape {caption_item.shape}", f"{caption_text.shape}"
        raise InputError("caption_text", expected=expected, got=got)
    return caption_text


def _grouped(owner: Rows, columns: Rows, queries: int, gallery: int) -> Truths:
    """Columns gathered by owner; within one owner in ascending order."""
    order = np.lexsort((columns, owner))
    starts = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=queries))))
    return Truths(starts.astype(np.int64), columns[order].astype(np.int64), gallery)
