"""Sigmoid scoring: each class is judged alone, so that an image may have none or several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads import mean
from workbench.heads.head import LinearScorer, Material
from workbench.method import Method
from workbench.types import Floats

__all__ = ["METHOD", "accepted", "prepare", "probabilities", "threshold"]


def probabilities(logits: Floats) -> Floats:
    """Probability that each class is there, by itself: float32 (b, C) in [0, 1].

    ``1 / (1 + exp(-z))`` without overflow. Rows do not sum to 1: below 0.5 everywhere means that
    the model finds none of the classes.
    """
    small = np.exp(-np.abs(logits))
    found: Floats = np.where(logits >= 0, 1, small) / (1 + small)
    return found.astype(np.float32)


def threshold(scale: float, bias: float) -> float:
    """The cosine at which the probability is 0.5: ``-bias / scale``.

    Args:
        scale: above 0.
        bias: of the model.
    """
    return -bias / scale


def accepted(logits: Floats) -> NDArray[np.bool_]:
    """The classes that are more likely there than not: bool (b, C), any number a row."""
    found: NDArray[np.bool_] = logits > 0
    return found


def prepare(material: Material, params: mean.Params) -> LinearScorer:
    """Logits ``scale * x m_c / |m_c| + bias``; their sigmoid is the probability of the class.

    The order of the classes is that of the mean of prompts: the bias moves all alike.

    Raises:
        InputError: the model has no bias, so its sigmoids mean nothing.
    """
    if material.bias is None:
        raise InputError(
            "sigmoid scoring",
            expected="a model trained with a sigmoid loss, which has a bias",
            got="a softmax model without one",
            do="Use the mean of prompts, or a SigLIP model.",
        )
    return mean.prepare(material, params)


METHOD = Method(
    key="sigmoid",
    title="Sigmoid scoring",
    question="Which classes are there, each judged by itself?",
    needs=frozenset({"prompts", "bias"}),
    params=mean.Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Zhai et al., ICCV 2023, section 3.2",
    probability="sigmoid",
)
