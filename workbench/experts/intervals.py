"""How sure the figures of modality specialisation are: intervals, and what chance alone gives.

Intervals draw pairs again, an image with its captions, and never single tokens: tokens of one image
are routed alike, and drawing them one by one would give intervals that are far too narrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.entropies import effective
from workbench.experts.records import IMAGE, TEXT, Counts, Inputs, Recorded
from workbench.experts.shares import (
    divergence,
    modality_shares,
    mutual_information,
    normalised_information,
    overlap,
)
from workbench.types import Rows

__all__ = ["Intervals", "Null", "divergence_bias", "information_bias", "intervals", "null"]

BLOCKS = 1024
"""More units than this are put together by lot into as many blocks before they are drawn.

Sums of independent units keep their variance, so the width of an interval stays, and a million
inputs cost what a thousand do."""

LEVEL = 0.95


@dataclass(frozen=True)
class Intervals:
    """95% intervals by layer; the last axis holds the lower and the upper end.

    Args:
        jsd: (L, 2), of the Jensen-Shannon divergence, within 0 to 1 bit.
        mutual: (L, 2), of I(M; E) in bits.
        nmi: (L, 2), of I(M; E) / H(M).
        overlap: (L, 2).
        effective: (L, 2 modalities, 2), of the effective number of experts by choice.
        share: (L, E, 2 modalities, 2), of p(expert | modality).
        pairs: how many rows of the dataset were drawn from.
    """

    jsd: Counts
    mutual: Counts
    nmi: Counts
    overlap: Counts
    effective: Counts
    share: Counts
    pairs: int


def intervals(recorded: Recorded, *, draws: int = 1000, seed: int = 0) -> Intervals:
    """Bootstrap intervals over rows of the dataset.

    Divergence and information of a sample are too large on average, and a draw repeats that bias:
    each interval is moved by as much as the mean of its draws lies beside the figure itself, which
    is then always inside. Where an expert is so rare that no drawn input uses it, an interval can
    still be too narrow.

    Args:
        recorded: with at least one input.
        draws: bootstrap samples.
        seed: the same seed gives the same intervals.

    Raises:
        InputError: fewer than one draw, or no input.

    Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 10.
    """
    if draws < 1 or not len(recorded.inputs):
        got = f"{draws} of {len(recorded.inputs)}"
        raise InputError("intervals", expected="at least 1 draw of at least 1 input", got=got)
    rng = np.random.default_rng(seed)
    units, pairs = _by_row(recorded.inputs, rng)
    total = len(units)
    weights = rng.multinomial(total, np.full(total, 1 / total), size=draws).astype(np.float64)
    drawn = (weights @ units.reshape(total, -1)).reshape(draws, *units.shape[1:])
    whole = units.sum(axis=0)

    def ends(figure: Callable[[Counts], Counts], most: float = 1.0, least: float = 0.0) -> Counts:
        return np.clip(_moved(figure(drawn), figure(whole)), least, most)

    experts = recorded.experts
    return Intervals(
        jsd=ends(lambda counts: divergence(modality_shares(counts))),
        mutual=ends(mutual_information),
        nmi=ends(normalised_information),
        overlap=ends(lambda counts: overlap(modality_shares(counts))),
        effective=ends(lambda counts: effective(modality_shares(counts), axis=-2), experts, 1.0),
        share=ends(modality_shares),
        pairs=pairs,
    )


def _moved(drawn: Counts, value: Counts) -> Counts:
    """Percentiles of the draws (B, ...), moved by their bias to lie around the value (...)."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    bias = drawn.mean(axis=0) - value
    found: Counts = np.stack([low - bias, high - bias], axis=-1)
    return found


def _by_row(inputs: Inputs, rng: np.random.Generator) -> tuple[Counts, int]:
    """Choices of each row of the dataset, or of each block of rows, (G, L, E, 2); and the rows."""
    names, place = np.unique(inputs.rows, return_inverse=True)
    groups = _blocks(len(names), rng)[place]
    sides = [_sums(inputs, groups, inputs.modality == m) for m in (IMAGE, TEXT)]
    return np.stack(sides, axis=-1), len(names)


def _blocks(units: int, rng: np.random.Generator) -> Rows:
    """Block of each unit, by lot and of equal size; itself where there are few enough."""
    if units <= BLOCKS:
        return np.arange(units, dtype=np.int64)
    return (rng.permutation(units) % BLOCKS).astype(np.int64)


def _sums(inputs: Inputs, groups: Rows, chosen: NDArray[np.bool_]) -> Counts:
    """Choices of the chosen inputs summed up by group, (G, L, E); ``groups`` is one an input."""
    order = np.flatnonzero(chosen)
    order = order[np.argsort(groups[order], kind="stable")]
    found = np.zeros((int(groups.max(initial=-1)) + 1, *inputs.hard.shape[1:]))
    present, starts = np.unique(groups[order], return_index=True)
    if len(present):
        found[present] = np.add.reduceat(inputs.hard[order], starts, axis=0, dtype=np.float64)
    return found


@dataclass(frozen=True)
class Null:
    """Jensen-Shannon divergence that chance alone gives, in bits by layer, each (L,).

    Args:
        mean: when the inputs' modalities are shuffled among the inputs.
        high: the value that 95% of these shuffles stay below.
        p: share of the shuffles that reach what was recorded, itself counted as one.
        tokens: mean when modalities are shuffled among the single tokens of a layer: the bias of
            the figure alone. Below ``mean`` as far as tokens of one input are routed alike.
    """

    mean: Counts
    high: Counts
    p: Counts
    tokens: Counts


def null(recorded: Recorded, *, draws: int = 1000, seed: int = 0) -> Null:
    """Shuffle the modality labels within each layer; NaN where a modality has no tokens.

    Shuffled inputs keep their tokens together. As images have more tokens than texts, the shuffle
    of inputs is a close, not an exact, account of a model that routes both alike.

    Args:
        recorded: with images and texts.
        draws: shuffles.
        seed: the same seed gives the same values.

    Raises:
        InputError: fewer than one draw.

    Source: P. Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005.
    """
    if draws < 1:
        raise InputError("shuffles", expected="at least 1", got=str(draws))
    rng = np.random.default_rng(seed)
    found = divergence(modality_shares(recorded.loads))
    shuffled = _shuffled_inputs(recorded.inputs, draws, rng)
    reached = (shuffled >= found - 1e-12).sum(axis=0)
    p = np.where(np.isnan(found), np.nan, (1 + reached) / (1 + draws))
    return Null(
        mean=np.where(np.isnan(found), np.nan, shuffled.mean(axis=0)),
        high=np.where(np.isnan(found), np.nan, np.quantile(shuffled, LEVEL, axis=0)),
        p=p,
        tokens=_shuffled_tokens(recorded, draws, rng),
    )


def _shuffled_inputs(inputs: Inputs, draws: int, rng: np.random.Generator) -> Counts:
    """Divergence (B, L) with the labels of the inputs shuffled."""
    texts, layers = int((inputs.modality == TEXT).sum()), inputs.hard.shape[1]
    if not 0 < texts < len(inputs):
        return np.full((draws, layers), np.nan)
    units = inputs.hard.reshape(len(inputs), -1).astype(np.float64)
    draw = _by_lot if len(units) <= BLOCKS else _by_limit
    text = draw(units, texts, draws, rng)
    both = np.stack([units.sum(axis=0) - text, text], axis=-1)
    return divergence(modality_shares(both.reshape(draws, layers, -1, 2)))


def _by_lot(units: Counts, some: int, draws: int, rng: np.random.Generator) -> Counts:
    """Sums (B, ...) of ``some`` of the units (n, ...), drawn without replacement."""
    labels = np.zeros((draws, len(units)))
    labels[:, :some] = 1
    return np.asarray(rng.permuted(labels, axis=1) @ units, np.float64)


def _by_limit(units: Counts, some: int, draws: int, rng: np.random.Generator) -> Counts:
    """The same for many units, whose sums are all but normal (Hájek 1960)."""
    n = len(units)
    spread = np.cov(units, rowvar=False) * some * (n - some) / n
    centre = units.sum(axis=0) * some / n
    drawn = rng.multivariate_normal(centre, np.atleast_2d(spread), size=draws, method="eigh")
    return np.clip(drawn, 0.0, units.sum(axis=0))


def _shuffled_tokens(recorded: Recorded, draws: int, rng: np.random.Generator) -> Counts:
    """Mean divergence (L,) with the labels of single choices shuffled."""
    choices = np.rint(recorded.loads * recorded.top_k).astype(np.int64)
    means = []
    for layer in choices:
        text = int(layer[:, TEXT].sum())
        whole = layer.sum(axis=1)
        if not text or text == whole.sum():
            means.append(np.nan)
            continue
        drawn = rng.multivariate_hypergeometric(whole, text, size=draws, method="marginals")
        both = np.stack([whole - drawn, drawn], axis=-1)
        means.append(float(divergence(modality_shares(both)).mean()))
    return np.array(means, np.float64)


def information_bias(experts: int, tokens: NDArray[Any] | float) -> Counts:
    """Bits by which I(M; E) of independent tokens is too large on average: ``(E - 1) / 2N``.

    To first order in 1 / N, over ln 2. Tokens of one input are not independent: this is the least.

    Args:
        experts: in use.
        tokens: of both modalities (N).

    Source: G. Miller, Note on the bias of information estimates, 1955.
    """
    found: Counts = (experts - 1) / (2 * np.log(2) * np.asarray(tokens, np.float64))
    return found


def divergence_bias(
    experts: int, images: NDArray[Any] | float, texts: NDArray[Any] | float
) -> Counts:
    """Bits by which the divergence of independent tokens routed alike is too large on average.

    ``(E - 1) / 8 * (1 / N_i + 1 / N_t)`` over ln 2, to first order: the divergence of close
    distributions is an eighth of their chi-squared distance. The rarer modality decides.

    Args:
        experts: in use.
        images: tokens of images (N_i).
        texts: tokens of texts (N_t).
    """
    inverse = 1 / np.asarray(images, np.float64) + 1 / np.asarray(texts, np.float64)
    found: Counts = (experts - 1) / (8 * np.log(2)) * inverse
    return found
