"""The standard head: prompts averaged to one unit vector a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError
from workbench.heads.head import LinearScorer, Material
from workbench.method import Method
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "class_vectors", "prepare"]


@dataclass(frozen=True)
class Params:
    """It has none."""


def class_vectors(texts: Floats, starts: Rows) -> tuple[Floats, Floats]:
    """Mean of each class's unit prompts, made unit length again.

    Args:
        texts: float32 (T, D), unit rows.
        starts: int64 (C + 1,).

    Returns:
        float32 (C, D) unit rows, and float32 (T,): the factor of each prompt in its class's row.

    Raises:
        InputError: the prompts of a class cancel each other out.
    """
    counts = np.diff(starts)
    sums = np.add.reduceat(texts.astype(np.float64), starts[:-1], axis=0)
    lengths = np.linalg.norm(sums, axis=1)
    if np.any(lengths < 1e-6 * counts):
        place = int(np.argmin(lengths / counts))
        raise InputError(
            f"prompts of class {place}", expected="a mean with a direction", got="a mean of 0"
        )
    return (sums / lengths[:, None]).astype(np.float32), np.repeat(
        (1 / lengths).astype(np.float32), counts
    )


def prepare(material: Material, params: Params) -> LinearScorer:
    """Logits ``scale * x m_c / |m_c| + bias``, m_c the mean of the class's unit prompts.

    With sentences of different number a class (CuPL) each class is averaged over its own. Sigmoid
    models get their bias, which moves every logit alike and so changes no ranking.
    """
    weights, factors = class_vectors(material.texts, material.starts)
    return LinearScorer(
        weights, material.scale, material.offset, material.texts, factors, material.starts
    )


METHOD = Method(
    key="mean",
    title="Mean of prompts",
    question="Which class's averaged prompt is nearest to the image?",
    needs=frozenset({"prompts"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Radford et al., 2021, section 3.1.4; open_clip, zero_shot_classifier.py",
)
