"""Labelled images for few-shot heads: checked, parted, and what becomes of classes without any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads.head import Material, Scorer, Support
from workbench.types import Floats, Rows, check_unit_rows

__all__ = ["bury", "held_out", "hide", "labelled"]

DEPTH = np.float32(100)
"""How far below its lowest rival a class that cannot be predicted lies: a probability near 0."""


def labelled(material: Material) -> Support:
    """The labelled images of the material, checked, as float32 and int64.

    Raises:
        InputError: there are none, their vectors are no unit rows of the prompts' length, or a
            label is no class.
    """
    support = material.support
    if support is None or not len(support.labels):
        do = "Choose at least one labelled image of one class, or a head that needs none."
        raise InputError("few-shot head", expected="labelled images", got="none", do=do)
    vectors = np.asarray(support.vectors, np.float32)
    labels = np.asarray(support.labels, np.int64)
    check_unit_rows(vectors, "labelled images")
    expected = (len(labels), material.texts.shape[1])
    if vectors.shape != expected:
        raise InputError("labelled images", expected=f"{expected}", got=f"shape {vectors.shape}")
    outside = np.flatnonzero((labels < 0) | (labels >= material.classes))
    if len(outside):
        got = f"{labels[outside[0]]} in row {outside[0]}"
        last = material.classes - 1
        raise InputError("labels of images", expected=f"classes from 0 to {last}", got=got)
    return Support(vectors, labels)


def held_out(labels: Rows, share: float, seed: int) -> NDArray[np.bool_]:
    """Mask (M,) of the images held out: of each class the share, rounded, never its last image.

    A class with one image holds nothing out; at least one is held out of every other class.
    """
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        number = min(max(1, round(share * len(rows))), len(rows) - 1)
        held[rng.permutation(rows)[:number]] = True
    return held


def bury(logits: Floats, absent: Rows) -> Floats:
    """The logits with those of the absent classes put below all others, in place.

    Args:
        logits: float32 (b, C), finite.
        absent: int64 (A,), classes that cannot be predicted; A < C.
    """
    if len(absent):
        others = np.delete(logits, absent, axis=1)
        logits[:, absent] = others.min(axis=1, keepdims=True) - DEPTH
    return logits


@dataclass(frozen=True)
class _Hidden:
    """A scorer of which some classes cannot be predicted."""

    inner: Scorer
    absent: Rows

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C), the absent classes below all others."""
        return bury(self.inner.logits(block, start), self.absent)

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """None for an absent class, whose logit is made up."""
        return None if place in self.absent else self.inner.parts(vector, place, row)

    @property
    def shared(self) -> float:
        """That of the scorer inside."""
        return self.inner.shared


def hide(inner: Scorer, labels: Rows, classes: int) -> Scorer:
    """The scorer with the classes that have no label put below all others."""
    absent = np.setdiff1d(np.arange(classes), labels)
    return _Hidden(inner, absent) if len(absent) else inner
