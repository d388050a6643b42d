"""How early in training routing settles: how much of the last checkpoint's choice is already made.

Experts keep their numbers within one training, so choices of two checkpoints can be compared
directly. Those of two trainings, or of two seeds, cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.entropies import normalised
from workbench.experts.records import IMAGE, TEXT, Counts, Inputs
from workbench.experts.shares import overlap

__all__ = ["Saturation", "marginal_saturation", "saturation", "saturation_of_inputs"]


@dataclass(frozen=True)
class Saturation:
    """Choices of an earlier checkpoint beside those of the last one, over the same tokens.

    Args:
        value: mean share of a token's K experts that are the same, 0 to 1.
        first: share of tokens whose first choice is the same.
        chance: what ``value`` would be if the two chose independently, each with its own shares of
            experts: high where few experts do all the work.
        tokens: compared.
    """

    value: float
    first: float
    chance: float
    tokens: int


def saturation(then: NDArray[Any], last: NDArray[Any]) -> Saturation:
    """Router saturation over T tokens, of one layer and modality or of all of them.

    Args:
        then: int (T, K), experts of each token at the earlier checkpoint, best first, distinct.
        last: int (T, K), those at the last one, of the same tokens in the same order.

    Raises:
        InputError: shapes that differ.

    Source: Muennighoff et al., OLMoE, 2024; the chance level is added here.
    """
    if then.shape != last.shape or then.ndim != 2:
        got = f"{then.shape} and {last.shape}"
        raise InputError("choices of two checkpoints", expected="the same (T, K)", got=got)
    tokens, top_k = then.shape
    if not tokens or not top_k:
        return Saturation(float("nan"), float("nan"), float("nan"), tokens)
    same = (then[:, :, None] == last[:, None, :]).any(axis=2)
    experts = int(max(then.max(), last.max())) + 1
    held = [np.bincount(each.ravel(), minlength=experts) / tokens for each in (then, last)]
    return Saturation(
        value=float(same.mean()),
        first=float((then[:, 0] == last[:, 0]).mean()),
        chance=float((held[0] * held[1]).sum() / top_k),
        tokens=tokens,
    )


def saturation_of_inputs(then: Inputs, last: Inputs) -> Counts:
    """The most that saturation can be, from sums of inputs, by layer and modality: (L, 2).

    ``sum_e min`` of an input's tokens at each expert, over its tokens: tokens of one input that
    change places do not show. NaN for a modality that the two have no input of in common.

    Args:
        then: inputs of a recording of the earlier checkpoint.
        last: those of one of the last checkpoint; inputs are matched by row and modality.

    Raises:
        InputError: other layers or experts.
    """
    if then.hard.shape[1:] != last.hard.shape[1:]:
        got = f"{then.hard.shape[1:]} and {last.hard.shape[1:]}"
        raise InputError("two checkpoints", expected="the same layers and experts", got=got)
    found = np.full((then.hard.shape[1], 2), np.nan)
    for m in (IMAGE, TEXT):
        mine, theirs = np.flatnonzero(then.modality == m), np.flatnonzero(last.modality == m)
        _, a, b = np.intersect1d(then.rows[mine], last.rows[theirs], return_indices=True)
        first, second = then.hard[mine[a]], last.hard[theirs[b]]
        tokens = np.maximum(first.sum(axis=(0, 2)), second.sum(axis=(0, 2)))
        same = np.minimum(first, second).sum(axis=(0, 2))
        found[:, m] = np.divide(same, tokens, out=np.full(len(same), np.nan), where=tokens > 0)
    return found


def marginal_saturation(hard: NDArray[Any]) -> Counts:
    """How far each look's shares of experts are those of the last look, (S, L, 2), 0 to 1.

    The overlap of p(expert | modality) with the last: a film knows no single tokens, so this says
    when the experts' shares settle, not when tokens do.

    Args:
        hard: (S, L, E, 2), tokens by expert and modality of a training's looks.
    """
    shares = normalised(hard, axis=-2)
    last = np.broadcast_to(shares[-1:], shares.shape)
    # (S, L, 2, E, 2): the two looks stand where modalities do
    return overlap(np.stack([shares, last], axis=-1).swapaxes(-3, -2))
