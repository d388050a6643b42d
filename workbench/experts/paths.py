"""Paths through the layers, experts chosen together, and whether an image agrees with its caption.

Experts of different layers have nothing to do with each other by number; only the counts link them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.entropies import entropy, normalised
from workbench.experts.records import IMAGE, TEXT, Counts, Inputs
from workbench.experts.shares import divergence
from workbench.types import Rows

__all__ = [
    "Agreement",
    "PathFigures",
    "Step",
    "agreement",
    "coactivation",
    "largest_flows",
    "path_figures",
]

_FEW = 2000
"""Pairs that are shuffled; more are sampled, which costs nothing that could be seen."""


@dataclass(frozen=True)
class PathFigures:
    """Pairs of experts in a layer and the next, by step from layer to layer (P = L - 1).

    Args:
        jsd: (P,), Jensen-Shannon divergence in bits of image and text over all E * E paths.
        product: (P,), what it would be if, within a modality, the second choice did not depend on
            the first: what the layers say each on its own.
        dependence: (P, 2), bits that the first choice tells about the second within a modality.
    """

    jsd: Counts
    product: Counts
    dependence: Counts


def path_figures(flow: NDArray[Any]) -> PathFigures:
    """Path specialisation beside the product of the layers; NaN for a modality without tokens.

    Args:
        flow: (P, 2, E, E), tokens by modality, choice in a layer (row) and in the next (column).

    Raises:
        InputError: another shape.
    """
    values = np.asarray(flow, np.float64)
    if values.ndim != 4 or values.shape[1] != 2 or values.shape[2] != values.shape[3]:
        raise InputError("flow", expected="(steps, 2, E, E)", got=str(values.shape))
    steps, _, experts, _ = values.shape
    joint = normalised(values.reshape(steps, 2, experts * experts))
    square = joint.reshape(values.shape)
    first, second = square.sum(axis=3), square.sum(axis=2)
    product = (first[..., :, None] * second[..., None, :]).reshape(joint.shape)
    apart = entropy(first) + entropy(second) - entropy(joint)
    return PathFigures(
        jsd=divergence(joint.transpose(0, 2, 1)),
        product=divergence(product.transpose(0, 2, 1)),
        dependence=np.maximum(0.0, apart / np.log(2)),
    )


@dataclass(frozen=True)
class Step:
    """Tokens that go from an expert to one of the next layer.

    Args:
        source: expert of the layer; -1 for the remainder.
        target: expert of the next layer; -1 for the remainder.
        n: tokens.
    """

    source: int
    target: int
    n: float


def largest_flows(flow: NDArray[Any], most: int = 24) -> tuple[Step, ...]:
    """The largest steps of one modality between two layers, and one that holds all others.

    Args:
        flow: (E, E), tokens by expert of a layer and of the next.
        most: steps that are told apart.

    Returns:
        Steps by falling number of tokens, none of them empty; the remainder last.
    """
    values = np.asarray(flow, np.float64)
    order = np.argsort(-values.ravel(), kind="stable")[:most]
    sources, targets = np.divmod(order, values.shape[1])
    found = zip(sources.tolist(), targets.tolist(), values.ravel()[order].tolist(), strict=True)
    steps = [Step(source, target, n) for source, target, n in found if n > 0]
    rest = float(values.sum() - sum(step.n for step in steps))
    return (*steps, Step(-1, -1, rest)) if rest > 1e-9 else tuple(steps)


def coactivation(together: NDArray[Any], chosen: NDArray[Any]) -> Counts:
    """Share of an expert's tokens that also chose another, (..., E, E): row given, column asked.

    Not symmetric: a small expert may always come with a large one that mostly comes without it.
    All pairs of a token's K experts count, not only neighbours in rank. The diagonal is 1; the row
    of an expert without tokens is NaN.

    Args:
        together: (..., E, E), tokens that chose both, symmetric; the diagonal is not read.
        chosen: (..., E), tokens that chose the expert (loads * K).

    Source: Muennighoff et al., OLMoE, 2024.
    """
    both, single = np.asarray(together, np.float64), np.asarray(chosen, np.float64)[..., None]
    found: Counts = np.divide(
        both, single, out=np.full(both.shape, np.nan), where=np.broadcast_to(single > 0, both.shape)
    )
    diagonal = np.arange(both.shape[-1])
    found[..., diagonal, diagonal] = np.where(single[..., 0] > 0, 1.0, np.nan)
    return found


@dataclass(frozen=True)
class Agreement:
    """How far an image and its caption use the same experts.

    Args:
        rows: int64 (n,), items of which both were recorded.
        each: (n, L), ``sum_e min(image's share, caption's share)``: 0 no expert in common, 1 the
            same shares.
        mean: (L,), over the pairs.
        shuffled: (L,), the same with captions of other images: what the two modalities have in
            common whatever is shown.
        low, high: (L,), between them lie 95% of the shuffles.
        p: (L,), share of the shuffles whose mean lies as far from ``shuffled`` as that of the same
            pairs, on either side, these counted as one. Agreement can be below chance: an expert
            that both use may serve images of one colour and captions of another.
    """

    rows: Rows
    each: Counts
    mean: Counts
    shuffled: Counts
    low: Counts
    high: Counts
    p: Counts


def agreement(inputs: Inputs, *, draws: int = 200, seed: int = 0) -> Agreement:
    """Routing agreement of images with their captions, and of shuffled pairs beside it.

    Where images and texts have experts of their own, agreement is low with any caption; only the
    lead over the shuffled ones says that routing follows what is shown.

    Args:
        inputs: an image and a text of the same row are a pair.
        draws: shuffles.
        seed: the same seed gives the same shuffles.

    Raises:
        InputError: fewer than one draw.
    """
    if draws < 1:
        raise InputError("shuffles", expected="at least 1", got=str(draws))
    rows, image, text = _pairs(inputs)
    each = np.minimum(image, text).sum(axis=2)
    known = ~np.isnan(each).any(axis=1)
    rows, image, text, each = rows[known], image[known], text[known], each[known]
    if len(rows) < 2:
        nothing = np.full(each.shape[1], np.nan)
        mean = each.mean(axis=0) if len(rows) else nothing
        return Agreement(rows, each, mean, *[nothing] * 4)
    rng = np.random.default_rng(seed)
    some = np.sort(rng.permutation(len(rows))[:_FEW])
    lot = _shuffled(image[some], text[some], draws, rng)
    distance = np.abs(each[some].mean(axis=0) - lot.mean(axis=0))
    reached = (np.abs(lot - lot.mean(axis=0)) >= distance - 1e-12).sum(axis=0)
    low, high = np.quantile(lot, [0.025, 0.975], axis=0)
    return Agreement(
        rows=rows,
        each=each,
        mean=each.mean(axis=0),
        shuffled=lot.mean(axis=0),
        low=low,
        high=high,
        p=(1 + reached) / (1 + draws),
    )


def _pairs(inputs: Inputs) -> tuple[Rows, Counts, Counts]:
    """Rows with an image and a text, and the shares of experts of each, (n, L, E)."""
    sides = [np.flatnonzero(inputs.modality == m) for m in (IMAGE, TEXT)]
    rows, image, text = np.intersect1d(
        inputs.rows[sides[IMAGE]], inputs.rows[sides[TEXT]], return_indices=True
    )
    shares = [
        normalised(inputs.hard[side[place]])
        for side, place in zip(sides, (image, text), strict=True)
    ]
    return rows.astype(np.int64), shares[0], shares[1]


def _shuffled(image: Counts, text: Counts, draws: int, rng: np.random.Generator) -> Counts:
    """Mean agreement (B, L) of images with captions of a random order."""
    means = [
        np.minimum(image, text[rng.permutation(len(text))]).sum(axis=2).mean(axis=0)
        for _ in range(draws)
    ]
    return np.stack(means)
