"""Retrieval between images and their captions: recall@k in both directions, ranks, failures.

Text to image asks each caption for its image; image to text asks each image for any of its
captions. An image without a caption stays in the gallery, asks nothing, and is counted. Equal
images (or captions) in the gallery cannot be told apart by any model: they count as misses in
these measures, in expectation over the order of the tie, and their number is reported.

Source: LAION-AI/CLIP_benchmark, zeroshot_retrieval, and big_vision, image_text_retrieval, define
the same recall; they leave the order of ties to the sort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.direction import KS, DirectionMeasures, summary
from workbench.measures.ranking import (
    Blocks,
    Ranking,
    block_size,
    products,
    rank_truths,
)
from workbench.measures.truths import (
    Truths,
    captions_of_images,
    captions_with_texts_of_images,
    images_of_captions,
    images_of_texts,
)
from workbench.types import Rows

__all__ = ["RetrievalMeasures", "retrieval", "retrieval_of_scores"]


def _silent(done: int, total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class RetrievalMeasures:
    """Retrieval in both directions.

    Args:
        image_retrieval: text to image; its failures and ranks are in ``text_to_image``, whose
            queries are caption rows.
        text_retrieval: image to text; ``image_to_text`` has image rows as queries.
        tolerant_image_retrieval, tolerant_text_retrieval: the same when a result that carries the
            very same text also counts as right; None when texts were not given.
        images, texts: sizes of the two galleries.
        images_without_caption: they rank as results but ask nothing.
        duplicate_images, duplicate_texts: rows whose vector (or scores) equals an earlier row's.
    """

    image_retrieval: DirectionMeasures
    text_retrieval: DirectionMeasures
    text_to_image: Ranking
    image_to_text: Ranking
    tolerant_image_retrieval: DirectionMeasures | None
    tolerant_text_retrieval: DirectionMeasures | None
    images: int
    texts: int
    images_without_caption: int
    duplicate_images: int
    duplicate_texts: int


def retrieval(
    images: NDArray[Any],
    texts: NDArray[Any],
    caption_item: Rows,
    *,
    caption_text: Rows | None = None,
    ks: Sequence[int] = KS,
    distractors: int = 5,
    resamples: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] = _silent,
) -> RetrievalMeasures:
    """Measure retrieval from unit vectors, block by block: the (N, M) matrix is never whole.

    Args:
        images: (N, D) float16 or float32.
        texts: (M, D), the vectors of the captions.
        caption_item: int64 (M,), row of the image that each caption describes.
        caption_text: int64 (M,), equal numbers for equal texts; gives the tolerant measures.
        ks: depths of recall, each at least 1.
        distractors: wrong results kept for each query.
        resamples: bootstrap samples behind the intervals.
        seed: of the bootstrap.
        progress: called with (queries done, queries in all); may raise to stop.

    Raises:
        InputError: shapes that do not fit, vectors that are not finite, or a k below 1.
    """
    _check(images, texts, caption_item, ks)
    total = len(texts) + len(images)
    forward, backward = _truths(caption_item, caption_text, len(images))
    up = rank_truths(
        products(texts, images), *forward, distractors=distractors,
        progress=lambda done: progress(done, total),
    )  # fmt: skip
    down = rank_truths(
        products(images, texts), *backward, distractors=distractors,
        progress=lambda done: progress(len(texts) + done, total),
    )  # fmt: skip
    return _measures(
        _Way(up, forward, caption_item),
        _Way(down, backward, np.arange(len(images))),
        (_repeats(images), _repeats(texts)),
        ks=ks, resamples=resamples, seed=seed,
    )  # fmt: skip


def retrieval_of_scores(
    sim: NDArray[Any],
    caption_item: Rows,
    *,
    caption_text: Rows | None = None,
    ks: Sequence[int] = KS,
    distractors: int = 5,
    resamples: int = 1000,
    seed: int = 0,
) -> RetrievalMeasures:
    """``retrieval`` from a ready matrix ``sim`` (N, M): rows images, columns captions."""
    if sim.ndim != 2 or sim.shape[1:] != caption_item.shape:
        got = f"{sim.shape} and {caption_item.shape}"
        raise InputError("sim", expected="scores (N, M) and caption_item (M,)", got=got)
    _check_depths(ks)
    forward, backward = _truths(caption_item, caption_text, len(sim))
    up = rank_truths(_lines(sim.T), *forward, distractors=distractors)
    down = rank_truths(_lines(sim), *backward, distractors=distractors)
    return _measures(
        _Way(up, forward, caption_item),
        _Way(down, backward, np.arange(len(sim))),
        (_repeats(sim), _repeats(sim.T)),
        ks=ks, resamples=resamples, seed=seed,
    )  # fmt: skip


@dataclass(frozen=True)
class _Way:
    """One direction under each notion of right; ``groups`` is the image of each query."""

    rankings: tuple[Ranking, ...]
    truths: tuple[Truths, ...]
    groups: Rows


def _measures(
    up: _Way,
    down: _Way,
    duplicates: tuple[int, int],
    *,
    ks: Sequence[int],
    resamples: int,
    seed: int,
) -> RetrievalMeasures:
    found = [
        [
            summary(ranking, truths, way.groups, ks=ks, resamples=resamples, seed=seed)
            for ranking, truths in zip(way.rankings, way.truths, strict=True)
        ]
        for way in (up, down)
    ]
    tolerant = [numbers[1] if len(numbers) > 1 else None for numbers in found]
    return RetrievalMeasures(
        image_retrieval=found[0][0],
        text_retrieval=found[1][0],
        text_to_image=up.rankings[0],
        image_to_text=down.rankings[0],
        tolerant_image_retrieval=tolerant[0],
        tolerant_text_retrieval=tolerant[1],
        images=up.truths[0].gallery,
        texts=down.truths[0].gallery,
        images_without_caption=int(np.count_nonzero(down.truths[0].counts == 0)),
        duplicate_images=duplicates[0],
        duplicate_texts=duplicates[1],
    )


def _truths(
    caption_item: Rows, caption_text: Rows | None, images: int
) -> tuple[tuple[Truths, ...], tuple[Truths, ...]]:
    """What is right for captions and for images: strictly, and by text where texts are known."""
    forward = images_of_captions(caption_item, images)
    backward = captions_of_images(caption_item, images)
    if caption_text is None:
        return (forward,), (backward,)
    return (
        (forward, images_of_texts(caption_item, caption_text, images)),
        (backward, captions_with_texts_of_images(caption_item, caption_text, images)),
    )


def _lines(scores: NDArray[Any]) -> Blocks:
    size = block_size(scores.shape[1])
    for start in range(0, len(scores), size):
        yield start, np.asarray(scores[start : start + size], dtype=np.float32)


def _repeats(rows: NDArray[Any]) -> int:
    """How many rows equal an earlier row, bit by bit."""
    return len(rows) - len({row.tobytes() for row in np.ascontiguousarray(rows)})


def _check(
    images: NDArray[Any], texts: NDArray[Any], caption_item: Rows, ks: Sequence[int]
) -> None:
    for name, vectors in (("images", images), ("texts", texts)):
        if vectors.ndim != 2:
            raise InputError(name, expected="vectors (N, D)", got=f"shape {vectors.shape}")
    if images.shape[1] != texts.shape[1] or len(texts) != len(caption_item):
        expected = f"texts of shape ({len(caption_item)}, {images.shape[1]})"
        raise InputError("texts", expected=expected, got=str(texts.shape))
    _check_depths(ks)


def _check_depths(ks: Sequence[int]) -> None:
    if not ks or any(k < 1 for k in ks):
        raise InputError("recall depths", expected="numbers of 1 or more", got=repr(tuple(ks)))
