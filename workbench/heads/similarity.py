"""Mean of similarities: classes are compared by their average cosine, without renormalising."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.heads.head import LinearScorer, Material
from workbench.method import Method
from workbench.params import param

__all__ = ["METHOD", "Params", "prepare"]


@dataclass(frozen=True)
class Params:
    """How the cosines of a class's prompts become one number."""

    combine: str = param(
        "mean",
        help="mean, or sum of the cosines; sum favours classes with many prompts.",
        choices=("mean", "sum"),
    )


def prepare(material: Material, params: Params) -> LinearScorer:
    """Logits ``scale * mean_p cos(x, t_pc) + bias``.

    With descriptors this is classification by description: the parts are what each descriptor
    contributes, and sum exactly to the score. It differs from the mean of prompts by the factor
    |m_c| a class, which can change the argmax.
    """
    counts = np.diff(material.starts)
    each = 1 / counts if params.combine == "mean" else np.ones(len(counts))
    factors = np.repeat(each, counts).astype(np.float32)
    weighed = material.texts.astype(np.float64) * factors[:, None]
    weights = np.add.reduceat(weighed, material.starts[:-1], axis=0).astype(np.float32)
    return LinearScorer(
        weights, material.scale, material.offset, material.texts, factors, material.starts
    )


METHOD = Method(
    key="similarity",
    title="Mean of similarities",
    question="Which class's prompts or descriptors are nearest to the image on average?",
    needs=frozenset({"prompts"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Menon and Vondrick, ICLR 2023 (classification by description), equation 1",
)
