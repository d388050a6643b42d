"""Which token of a batch is which: patch or word, of which item, at which place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.layer_records import NEITHER
from workbench.experts.records import IMAGE, TEXT

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """The tokens of a batch of B sequences of S tokens.

    Args:
        rows: int (B,), the item of each sequence.
        modality: int (B, S), 0 patch, 1 word, -1 neither (padding, marks).
        position: int (B, S), number of the patch among those of its sequence, row by row, or of
            the word among the words.
        word: int (B, S), place in ``words``; -1 for none.
        words: the distinct words.

    Raises:
        InputError: arrays that do not fit each other, or an item twice.
    """

    rows: NDArray[np.int64]
    modality: NDArray[np.int64]
    position: NDArray[np.int64]
    word: NDArray[np.int64]
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = self.modality.shape
        if len(shape) != 2:
            raise InputError("modality of a layout", expected="(B, S)", got=str(shape))
        for name, wanted in (("rows", shape[:1]), ("position", shape), ("word", shape)):
            found = getattr(self, name).shape
            if found != wanted:
                raise InputError(f"{name} of a layout", expected=str(wanted), got=str(found))
        if len(np.unique(self.rows)) != len(self.rows):
            raise InputError("rows of a layout", expected="each item once", got="one of them twice")

    @property
    def tokens(self) -> int:
        """Tokens of the batch, padding among them (B * S)."""
        return int(self.modality.size)

    @property
    def sample(self) -> NDArray[np.int64]:
        """The item of each token: (B, S)."""
        return np.broadcast_to(self.rows[:, None], self.modality.shape)

    @property
    def patches(self) -> int:
        """Patches of the fullest sequence."""
        return int((self.modality == IMAGE).sum(axis=1).max(initial=0))

    @classmethod
    def of_images(cls, rows: Sequence[int], patches: int, *, before: int = 0) -> Layout:
        """Sequences that are images only, as in the image tower of a CLIP.

        Args:
            rows: the item of each image.
            patches: of an image.
            before: tokens in front of the patches (a class token is 1).
        """
        place = np.arange(-before, patches)
        modality = np.where(place < 0, NEITHER, IMAGE)
        shape = (len(rows), len(place))
        return cls(
            rows=np.array(rows, np.int64),
            modality=np.broadcast_to(modality, shape),
            position=np.broadcast_to(np.maximum(place, 0), shape),
            word=np.full(shape, -1),
        )

    @classmethod
    def of_ids(
        cls,
        input_ids: Any,
        rows: Sequence[int],
        *,
        image_token: int | Sequence[int] = (),
        leave_out: Sequence[int] = (),
        attention_mask: Any = None,
        word: Callable[[int], str] = str,
    ) -> Layout:
        """Sequences of token numbers, with patches where a placeholder stands.

        Args:
            input_ids: int (B, S), as the model gets them; an array or a tensor.
            rows: the item of each sequence.
            image_token: the number, or numbers, that stand for a patch
                (``config.image_token_id``); none in a model of texts.
            leave_out: numbers that are neither: the mark before an image, the end of a text.
            attention_mask: (B, S), 0 for padding; all are tokens when None.
            word: names a number, e.g. ``tokenizer.decode``.
        """
        ids = np.asarray(input_ids).astype(np.int64)
        if ids.ndim != 2:
            raise InputError("token numbers", expected="(B, S)", got=str(ids.shape))
        images = [image_token] if isinstance(image_token, int) else list(image_token)
        patch = np.isin(ids, images)
        modality = np.where(patch, IMAGE, TEXT)
        modality[np.isin(ids, list(leave_out)) & ~patch] = NEITHER
        if attention_mask is not None:
            modality[np.asarray(attention_mask) == 0] = NEITHER
        codes, place = np.unique(ids, return_inverse=True)
        names = [word(int(code)) for code in codes.tolist()]
        distinct = {name: at for at, name in enumerate(dict.fromkeys(names))}
        said = np.array([distinct[name] for name in names], np.int64)[place].reshape(ids.shape)
        return cls(
            rows=np.array(rows, np.int64),
            modality=modality,
            position=_numbered(modality),
            word=np.where(modality == TEXT, said, -1),
            words=tuple(distinct),
        )


def _numbered(modality: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each token how many of its modality stand before it in its sequence."""
    found = np.zeros(modality.shape, np.int64)
    for each in (IMAGE, TEXT):
        mine = modality == each
        found[mine] = (np.cumsum(mine, axis=1) - 1)[mine]
    return found


def side_of(patches: int) -> int:
    """The side of the square that so many patches make.

    Raises:
        InputError: they make none.
    """
    side = isqrt(patches)
    if side * side != patches:
        raise InputError(
            "patches of an image",
            expected="a square number of them",
            got=str(patches),
            do="Give the model square pictures, of one size, so that patches can be found again.",
        )
    return side
