"""Switches experts of a model off for the time of a block."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import torch

from workbench.errors import InputError, ModelError
from workbench.gpu.limoe.mixture import Reroute
from workbench.gpu.limoe.model import Limoe
from workbench.gpu.limoe.routing import Routing

__all__ = ["MODES", "Mode", "switched_off"]

Mode = Literal["residual", "reroute"]
MODES: tuple[Mode, ...] = ("residual", "reroute")
"""What becomes of a token whose expert is off: ``residual``, the block adds nothing to it;
``reroute``, it goes to the best of the others, as if the model had only those."""


@contextmanager
def switched_off(
    model: Limoe, experts: Mapping[int, Collection[int]], mode: Mode
) -> Iterator[None]:
    """Switch experts off until the block ends, also when it ends with an error.

    Not for two threads at once on one model: the switch belongs to the model.

    Args:
        model: with mixtures.
        experts: number of a block -> experts of its mixture to switch off.
        mode: see ``MODES``.

    Raises:
        ModelError: the model has no mixture in a block that is named.
        InputError: no such expert, or none would be left for ``reroute``.
    """
    mixtures = model.mixtures()
    changed = []
    for layer, off in experts.items():
        if layer not in mixtures:
            raise ModelError(
                f"block {layer} of this model has no experts",
                expected=f"one of the blocks {', '.join(map(str, mixtures)) or '(none)'}",
                got=str(layer),
                do="A dense model has none to switch off; see the modality gap page.",
            )
        count = mixtures[layer].router.experts
        _check(layer, off, count, mode)
        changed.append((mixtures[layer], _rule(sorted(set(off)), count, mode)))
    try:
        for mixture, rule in changed:
            mixture.reroute = rule
        yield
    finally:
        for mixture, _ in changed:
            mixture.reroute = None


def _check(layer: int, off: Collection[int], count: int, mode: Mode) -> None:
    for expert in off:
        if not 0 <= expert < count:
            expected = f"0 to {count - 1}"
            raise InputError(f"expert of block {layer}", expected=expected, got=str(expert))
    if mode not in MODES:
        raise InputError("mode", expected=f"one of {', '.join(MODES)}", got=repr(mode))
    if mode == "reroute" and len(set(off)) >= count:
        raise InputError(
            f"experts of block {layer} to switch off",
            expected=f"at most {count - 1}, so that one is left",
            got=f"all {count}",
            do="Choose `residual` to pass every token by the whole block.",
        )


def _rule(off: list[int], count: int, mode: Mode) -> Reroute:
    def residual(routing: Routing) -> Routing:
        gone = torch.isin(routing.experts, torch.tensor(off, device=routing.experts.device))
        return replace(routing, kept=routing.kept & ~gone)

    def reroute(routing: Routing) -> Routing:
        logits = routing.noisy.clone()
        logits[:, off] = -torch.inf
        probs = logits.softmax(dim=-1)
        top_k = min(routing.experts.shape[1], count - len(off))
        gates, experts = probs.topk(top_k, dim=-1)
        # encoding has no capacity, and a room that was full says nothing of the new expert's
        kept = torch.ones_like(experts, dtype=torch.bool)
        return replace(routing, probs=probs, experts=experts, gates=gates, kept=kept)

    return residual if mode == "residual" else reroute
