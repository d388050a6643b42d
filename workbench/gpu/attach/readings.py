"""What a router gave back in one call, read into arrays: the part that differs between models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from workbench.errors import ModelError
from workbench.experts.layer_records import Flags

__all__ = ["Adapter", "Reading", "Score", "from_dense", "from_logits", "from_tuple"]

Score = Literal["softmax", "sigmoid", "softmax of chosen"]
"""How logits become gates."""


@dataclass(frozen=True)
class Reading:
    """One call of one router, about n tokens.

    Args:
        experts: of the router (E).
        logits: float (n, E); None where none are told.
        probs: float (n, E), rows sum to 1.
        indices: int (n, K), chosen.
        weights: float (n, K), their gates.
        kept: bool (n, K), False where the expert had no room.
    """

    experts: int
    logits: Tensor | None
    probs: Tensor | None
    indices: Tensor
    weights: Tensor
    kept: Tensor


Read = Callable[[nn.Module, Any], Reading]


@dataclass(frozen=True)
class Adapter:
    """How to read the routers of one family of models.

    Args:
        family: its name, for people.
        read: makes a reading of a router and of what it gave back.
        flags: how its routers work.
        sequence_first: tokens come place by place instead of sequence by sequence.
    """

    family: str
    read: Read
    flags: Flags = field(default_factory=Flags)
    sequence_first: bool = False


def from_tuple(
    *,
    logits: int | None = 0,
    weights: int = 1,
    indices: int = 2,
    score: Score = "softmax",
    probabilities: bool = False,
) -> Read:
    """Reads routers that give back a tuple with the chosen experts in it.

    Args:
        logits: place of the logits (n, E) in the tuple; None where they are not in it.
        weights: place of the gates (n, K).
        indices: place of the chosen experts (n, K); the number E stands for none.
        score: how logits become gates.
        probabilities: what stands at ``logits`` are probabilities already.
    """

    def read(module: nn.Module, output: Any) -> Reading:
        chosen = _flat(_at(module, output, indices))
        gates = _flat(_at(module, output, weights)).float()
        given = None if logits is None else _flat(_at(module, output, logits)).float()
        if chosen.is_floating_point() or chosen.shape != gates.shape:
            raise _unlike(module, "chosen experts and their gates, (tokens, K) both", chosen, gates)
        count = _experts(module) if given is None else given.shape[1]
        kept, chosen = chosen < count, chosen.clamp(max=count - 1)
        if probabilities:
            return Reading(count, None, given, chosen, gates, kept)
        probs = None if given is None else distribution(given, score)
        return Reading(count, given, probs, chosen, gates, kept)

    return read


def from_dense(
    top_k: int | str,
    *,
    logits: int,
    mask: int,
    weights: int | None = None,
    score: Score = "softmax",
    dropless: bool = False,
) -> Read:
    """Reads routers that give back a row over all experts, zero for those that get nothing.

    Who was chosen but found no room is no longer in that row: it is filled up with the largest
    logits among the others, which is whom such routers had chosen.

    Args:
        top_k: experts a token chooses; or the router's attribute that says so.
        logits: place of the logits (n, E) in the tuple.
        mask: place of the row (n, E) that is zero for experts that get nothing.
        weights: place of the gates, (n, E) or (n, 1); the row at ``mask`` when None.
        score: how logits become gates.
        dropless: there is always room; a zero of a chosen one is a gate too small to be told.
    """

    def read(module: nn.Module, output: Any) -> Reading:
        given = _flat(_at(module, output, logits)).float()
        row = _flat(_at(module, output, mask)).float()
        if row.shape != given.shape:
            raise _unlike(module, "logits and gates over all experts", given, row)
        count = getattr(module, top_k) if isinstance(top_k, str) else top_k
        chosen = _first_those_with(row, given).topk(count, dim=1).indices
        gates = row if weights is None else _flat(_at(module, output, weights)).float()
        gates = gates.expand_as(row).gather(1, chosen)
        kept = torch.ones_like(chosen, dtype=torch.bool)
        if not dropless:
            kept = row.gather(1, chosen) != 0
        probs = distribution(given, score)
        return Reading(given.shape[1], given, probs, chosen, gates, kept)

    return read


def from_logits(top_k: int, *, score: Score = "softmax", renormalised: bool = True) -> Read:
    """Reads routers that give back logits only: who is chosen is computed from them again.

    Right only where nothing else decides: no bias, no groups, room for all.

    Args:
        top_k: experts a token chooses.
        score: how logits become gates.
        renormalised: the gates of the chosen are divided by their sum.
    """

    def read(module: nn.Module, output: Any) -> Reading:
        given = _flat(output[0] if isinstance(output, tuple) else output).float()
        if given.shape[1] < top_k:
            raise _unlike(module, f"logits over at least {top_k} experts", given)
        probs = distribution(given, score)
        scores = given.sigmoid() if score == "sigmoid" else probs
        weights, chosen = scores.topk(top_k, dim=1)
        if renormalised or score == "softmax of chosen":
            weights = weights / weights.sum(dim=1, keepdim=True)
        kept = torch.ones_like(chosen, dtype=torch.bool)
        return Reading(given.shape[1], given, probs, chosen, weights, kept)

    return read


def distribution(logits: Tensor, score: Score) -> Tensor:
    """What a router would give each expert, as shares that sum to 1: (n, E)."""
    if score == "sigmoid":
        scores = logits.sigmoid()
        return scores / scores.sum(dim=1, keepdim=True).clamp(min=torch.finfo(scores.dtype).tiny)
    return logits.softmax(dim=1)


def _first_those_with(row: Tensor, logits: Tensor) -> Tensor:
    """Numbers whose order is: experts that get something by how much, then the rest by logit."""
    low = logits.softmax(dim=1) - 2.0
    return torch.where(row != 0, row.abs(), low)


def _flat(tensor: Tensor) -> Tensor:
    """(..., X) -> (n, X), as it stands now, apart from what the model goes on to do with it."""
    return tensor.detach().reshape(-1, tensor.shape[-1]).clone()


def _experts(module: nn.Module) -> int:
    """Of a router that gives back nothing as wide as there are experts."""
    found = getattr(module, "num_experts", None)
    if not isinstance(found, int):
        what = f"router {type(module).__name__} does not tell how many experts it has"
        raise ModelError(what, expected="an attribute num_experts, or logits", got=repr(found))
    return found


def _at(module: nn.Module, output: Any, place: int) -> Tensor:
    found = output[place] if isinstance(output, tuple | list) and len(output) > place else None
    if not isinstance(found, Tensor) or not found.ndim:
        what = f"{type(output).__name__} of {len(output)}" if isinstance(output, tuple) else output
        raise ModelError(
            f"router {type(module).__name__} gave back something else",
            expected=f"a tuple with an array at place {place}",
            got=what if isinstance(what, str) else type(what).__name__,
            do="Describe where logits, gates and chosen experts stand with an adapter of your own.",
        )
    return found


def _unlike(module: nn.Module, expected: str, *found: Tensor) -> ModelError:
    got = " and ".join(str(tuple(each.shape)) for each in found)
    what = f"router {type(module).__name__} gave back something else"
    return ModelError(what, expected=expected, got=got)
