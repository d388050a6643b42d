"""Entropies of routing: how decided single tokens are, and how many experts a modality uses.

All are natural, as in the losses, from 0 to ln E; ``exp`` of one is a number of experts, 1 to E.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.records import Counts, Recorded

__all__ = ["Entropies", "effective", "entropies", "entropy", "normalised", "shortfall"]


def normalised(counts: NDArray[Any], axis: int = -1) -> Counts:
    """Counts as shares that sum to 1 along an axis; NaN where they sum to 0.

    Args:
        counts: any shape, at least 0.
        axis: of the things that are shared out.
    """
    values = np.asarray(counts, np.float64)
    total = values.sum(axis=axis, keepdims=True)
    shares: Counts = np.divide(values, total, out=np.full(values.shape, np.nan), where=total > 0)
    return shares


def entropy(shares: NDArray[Any], axis: int = -1) -> Counts:
    """Natural entropy along an axis, 0 ln 0 being 0: from 0 to ln E; NaN where a share is NaN.

    Args:
        shares: sum to 1 along the axis.
        axis: of the experts.

    Source: C. E. Shannon, 1948.
    """
    values = np.asarray(shares, np.float64)
    logs = np.log(values, out=np.zeros(values.shape), where=values != 0)
    found: Counts = np.abs(-(values * logs).sum(axis=axis))  # no minus before a zero
    return found


def effective(shares: NDArray[Any], axis: int = -1) -> Counts:
    """Effective number of experts, ``exp(H)``: 1 when one has all, E when all have the same.

    Args:
        shares: sum to 1 along the axis.
        axis: of the experts.

    Source: M. O. Hill, Ecology 1973, of order 1.
    """
    found: Counts = np.exp(entropy(shares, axis))
    return found


def shortfall(marginal: NDArray[Any], soft_minimum: float) -> Counts:
    """By how much a modality's average routing falls short of a number of experts.

    ``max(0, ln S - H(mean p))``: what the global entropy loss punishes, 0 as soon as the average is
    as even as an equal split over S experts.

    Args:
        marginal: natural entropy of the average routing, any shape.
        soft_minimum: S, at least 1.

    Raises:
        InputError: a soft minimum below 1.

    Source: Mustafa et al., LIMoE, 2022.
    """
    if not soft_minimum >= 1:
        raise InputError("soft minimum", expected="at least 1 expert", got=str(soft_minimum))
    found: Counts = np.maximum(0.0, np.log(soft_minimum) - np.asarray(marginal, np.float64))
    return found


@dataclass(frozen=True)
class Entropies:
    """Natural entropies of a recording by layer and modality, each (L, 2), 0 to ``most``.

    Args:
        local: mean entropy of single tokens: 0 where each token is decided, ln E where none is.
        soft: of the average probabilities: how many experts the router has in mind.
        hard: of the choices made: how many experts are in use. Below ``soft`` where tokens waver.
        most: ln E.
    """

    local: Counts
    soft: Counts
    hard: Counts
    most: float

    @property
    def within(self) -> Counts:
        """Information that routing holds about a token within its modality, 0 to ln E, (L, 2).

        ``H(mean p) - mean H(p)``: the mutual information of expert and token. 0 where all tokens
        of the modality are routed alike, ln E where they are decided and spread evenly. What the
        local and the global entropy loss raise together.
        """
        found: Counts = np.maximum(0.0, self.soft - self.local)  # rounding alone makes it less
        return found


def entropies(recorded: Recorded) -> Entropies:
    """Entropies of each layer and modality; NaN without tokens, or where the router has no p."""
    tokens = recorded.tokens
    local = np.divide(recorded.entropy, tokens, out=np.full(tokens.shape, np.nan), where=tokens > 0)
    return Entropies(
        local=local,
        soft=entropy(normalised(recorded.soft, axis=1), axis=1),
        hard=entropy(normalised(recorded.loads, axis=1), axis=1),
        most=float(np.log(recorded.experts)) if recorded.experts else 0.0,
    )
