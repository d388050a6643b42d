"""What every head is given, and what it gives back.

A head is a function ``prepare(material, params) -> Scorer``. Images come in blocks, so a million of
them need no more memory than one block and the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads.cores import room
from workbench.types import Floats, Rows, check_unit_rows

__all__ = [
    "BLOCK",
    "ArrayImages",
    "Decides",
    "Images",
    "LinearScorer",
    "Material",
    "Scorer",
    "Support",
    "Writes",
    "scored",
]

BLOCK = 8192
"""Images scored at a time."""


class Images(Protocol):
    """N unit image vectors that can be read again and again."""

    @property
    def n(self) -> int:
        """N."""

    @property
    def dim(self) -> int:
        """D."""

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[int, Floats]]:
        """(first row, float32 (b, D)) from the first image to the last."""


@dataclass(frozen=True)
class ArrayImages:
    """Images in one array, which may be memory-mapped.

    Args:
        array: (N, D) float16 or float32, unit rows; checked block by block as it is read.
    """

    array: NDArray[Any]

    @property
    def n(self) -> int:
        """N."""
        return int(self.array.shape[0])

    @property
    def dim(self) -> int:
        """D."""
        return int(self.array.shape[1])

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[int, Floats]]:
        """(first row, float32 (b, D)) from the first image to the last.

        Raises:
            InputError: a vector that is not finite or not of unit length.
        """
        for start in range(0, self.n, size):
            block = np.asarray(self.array[start : start + size], dtype=np.float32)
            check_unit_rows(block, f"images from row {start}")
            yield start, block


@dataclass(frozen=True)
class Support:
    """Labelled images for few-shot heads.

    Args:
        vectors: float32 (M, D), unit rows.
        labels: int64 (M,), class of each, in [0, C).
    """

    vectors: Floats
    labels: Rows


@dataclass(frozen=True)
class Material:
    """Everything a head may look at.

    Args:
        images: N images.
        texts: float32 (T, D), unit rows: every prompt of every class, class after class.
        starts: int64 (C + 1,); class c owns ``texts[starts[c]:starts[c + 1]]``, at least one.
        scale: the model's factor on cosines (logit scale, already exponentiated).
        bias: added after the scale by sigmoid models; None for softmax models.
        support: labelled images, for few-shot heads.
        metric: (C, C) distances between classes, or None.
        pairs: two float32 (m, D) arrays of differences of texts: to reject, to accept; or None.
        seed: of everything random.

    Raises:
        InputError: texts that are no unit rows, starts that do not fit, a class without prompt.
    """

    images: Images
    texts: Floats
    starts: Rows
    scale: float = 100.0
    bias: float | None = None
    support: Support | None = None
    metric: NDArray[Any] | None = None
    pairs: tuple[Floats, Floats] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_unit_rows(self.texts, "prompts")
        sound = len(self.starts) >= 2 and self.starts[0] == 0
        if not sound or self.starts[-1] != len(self.texts) or np.any(np.diff(self.starts) < 1):
            raise InputError(
                "prompts",
                expected="at least one class and one prompt a class",
                got=f"starts {self.starts[:5].tolist()} ... for {len(self.texts)} prompts",
            )
        if self.images.n and self.images.dim != self.texts.shape[1]:
            raise InputError(
                "images and prompts",
                expected="vectors of one length",
                got=f"{self.images.dim} and {self.texts.shape[1]}",
                do="Both must come from one model.",
            )

    @property
    def classes(self) -> int:
        """C."""
        return len(self.starts) - 1

    @property
    def aligned(self) -> bool:
        """Every class has equally many prompts."""
        return bool(np.all(np.diff(self.starts) == self.starts[1]))

    @property
    def offset(self) -> float:
        """The bias, 0 where the model has none."""
        return self.bias or 0.0

    def by_prompt(self) -> Floats:
        """The prompts as float32 (P, C, D): prompt p of every class.

        Raises:
            InputError: the classes have different numbers of prompts.
        """
        if not self.aligned:
            counts = np.diff(self.starts)
            raise InputError(
                "prompts",
                expected="the same templates for every class",
                got=f"{counts.min()} to {counts.max()} prompts a class",
                do="Use templates without synonyms, or a head that takes any prompts.",
            )
        shaped = self.texts.reshape(self.classes, int(self.starts[1]), -1)
        return np.ascontiguousarray(shaped.transpose(1, 0, 2))


class Scorer(Protocol):
    """Scores images, a block at a time."""

    def logits(self, block: Floats, start: int) -> Floats:
        """Class scores of a block of images; softmax of a row gives probabilities.

        Args:
            block: float32 (b, D), unit rows, of the material's images.
            start: row of the first of them.

        Returns:
            float32 (b, C).
        """

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """What each prompt of a class contributes to the logit of one image.

        Args:
            vector: float32 (D,), the image.
            place: the class.
            row: of the image.

        Returns:
            float32 (P_c,), which with ``shared`` sums to the logit; None where a head's score is
            no sum over prompts.
        """

    @property
    def shared(self) -> float:
        """Added to every logit besides the prompts (the bias)."""


@runtime_checkable
class Decides(Protocol):
    """A scorer that can say which prompt decided, for a block at once."""

    def deciding(self, block: Floats, places: NDArray[Any]) -> NDArray[np.int32] | None:
        """Place, among the prompts of a class, of the one with the largest part: int32 (b,).

        Args:
            block: float32 (b, D).
            places: (b,) one class an image.

        Returns:
            None where the scores are no sum over prompts.
        """


@runtime_checkable
class Writes(Protocol):
    """A scorer that can write to memory it is given, which spares making new memory a block."""

    def write(self, block: Floats, start: int, out: Floats) -> None:
        """As ``Scorer.logits``, into ``out``: float32 (b, C)."""


def scored(scorer: Scorer, block: Floats, start: int, classes: int) -> Floats:
    """The logits of a block, to be read before this thread asks for those of another.

    Args:
        scorer: of the head.
        block: float32 (b, D), unit rows.
        start: row of the first of them.
        classes: C.

    Returns:
        float32 (b, C), in memory that the next call in the same thread may write to.
    """
    if not isinstance(scorer, Writes):
        return scorer.logits(block, start)
    out = room(len(block), classes)
    scorer.write(block, start, out)
    return out


@dataclass(frozen=True)
class LinearScorer:
    """Logits that are linear in the image: ``scale * x W' + bias``.

    Args:
        weights: float32 (C, D), a row a class.
        texts: float32 (T, D) with ``starts``: the row of a class is the sum of its prompts, each
            times its factor; None when the rows were not made from prompts.
        factors: float32 (T,).
        starts: int64 (C + 1,).
        scale: factor on the products.
        shared: added to every logit.
    """

    weights: Floats
    scale: float
    shared: float = 0.0
    texts: Floats | None = None
    factors: Floats | None = None
    starts: Rows | None = None

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C)."""
        scores: Floats = np.empty((len(block), len(self.weights)), np.float32)
        self.write(block, start, scores)
        return scores

    def write(self, block: Floats, start: int, out: Floats) -> None:
        """As ``logits``, into ``out``."""
        np.matmul(block, self._scaled.T, out=out)
        if self.shared:
            out += np.float32(self.shared)

    @cached_property
    def _scaled(self) -> Floats:
        """The weights times the scale, so that the logits need no second pass."""
        scaled: Floats = self.weights * np.float32(self.scale)
        return scaled

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """float32 (P_c,): scale times factor times the cosine with each prompt."""
        if self.texts is None or self.factors is None or self.starts is None:
            return None
        own = slice(int(self.starts[place]), int(self.starts[place + 1]))
        found: Floats = np.float32(self.scale) * self.factors[own] * (self.texts[own] @ vector)
        return found

    def deciding(self, block: Floats, places: NDArray[Any]) -> NDArray[np.int32] | None:
        """int32 (b,): the prompt with the largest part."""
        if self.texts is None or self.factors is None or self.starts is None:
            return None
        found = np.zeros(len(block), dtype=np.int32)
        for place in np.unique(places[np.diff(self.starts)[places] > 1]):
            mine = np.flatnonzero(places == place)
            own = slice(int(self.starts[place]), int(self.starts[place + 1]))
            parts = block[mine] @ (self.texts[own] * self.factors[own, None]).T
            found[mine] = parts.argmax(axis=1)
        return found
