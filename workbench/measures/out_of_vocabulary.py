"""Images that a word outside the classes describes better than every class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.types import Floats, Rows

__all__ = ["MARGIN", "Outside", "best_outside"]

MARGIN = 2.0
"""Logits by which a word must lead: it is then 7 times as probable as the best class.

Measured on the sample's Noto images with half of its concepts taken out of the class set: of the
images of concepts that were taken out a third is found, of mistakes among the others 3 to 7% are
taken for such. With no margin it is four fifths and a half.
"""

_CELLS = 1 << 22


@dataclass(frozen=True)
class Outside:
    """What a word outside the classes has to say of each of M images.

    Args:
        word: int64 (M,), the nearest of the words.
        lead: float32 (M,), its cosine minus that of the nearest class, in [-2, 2].
    """

    word: Rows
    lead: Floats

    def beyond(self, scale: float) -> NDArray[np.bool_]:
        """Images whose word leads by more than ``MARGIN`` logits: bool (M,).

        Args:
            scale: logit scale of the model.
        """
        return np.asarray(self.lead * np.float32(scale) > MARGIN)


def best_outside(images: Floats, inside: Floats, outside: Floats) -> Outside:
    """The nearest word outside the classes, and how far it leads before the nearest class.

    Args:
        images: (M, D), unit rows.
        inside: float32 (I, D), unit text vectors of everything that names a class.
        outside: float32 (W, D), unit text vectors of the words that name none; alike in prompt.

    Raises:
        InputError: no class, or vectors of different length.

    Source: words of an open vocabulary beside the classes, as in the rule for fine-grained
    out-of-vocabulary mistakes of Peychev et al., NeurIPS 2023; here without their search in the
    hierarchy, and over a stated list of words.
    """
    if not len(inside) or not images.shape[1] == inside.shape[1] == outside.shape[1]:
        got = f"images {images.shape}, classes {inside.shape}, words {outside.shape}"
        raise InputError("words outside the classes", expected="vectors of one length", got=got)
    word = np.full(len(images), -1, dtype=np.int64)
    lead = np.full(len(images), -2, dtype=np.float32)
    if not len(outside):
        return Outside(word, lead)
    step = max(1, _CELLS // (len(inside) + len(outside)))
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        block = images[part].astype(np.float32)
        near = block @ outside.T
        word[part] = near.argmax(axis=1)
        lead[part] = near.max(axis=1) - (block @ inside.T).max(axis=1)
    return Outside(word, lead)
