"""Describes the routers of any model: what their modules are called, and how to read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workbench.errors import InputError
from workbench.experts.layer_records import Flags
from workbench.gpu.attach.readings import Adapter, Read, Score

__all__ = ["Described", "generic"]


@dataclass(frozen=True)
class Described:
    """Modules by their path, and the adapter that reads them.

    Args:
        pattern: regular expression of the whole path.
        adapter: how to read them.
    """

    pattern: re.Pattern[str]
    adapter: Adapter


def generic(
    pattern: str,
    read: Read,
    *,
    score: Score = "softmax",
    dropless: bool = True,
    bias_selected: bool = False,
    shared: bool = False,
    recomputed: bool = False,
    sequence_first: bool = False,
) -> Described:
    r"""An adapter for a model that none is ready for.

    Args:
        pattern: regular expression that the whole path of each router's module matches, as in
            ``model.named_modules()``, e.g. ``r"blocks\.\d+\.mlp\.router"``.
        read: ``from_tuple``, ``from_dense`` or ``from_logits``: where logits, gates and chosen
            experts stand in what the router gives back.
        score: how logits become gates; the same as in ``read``.
        dropless: every chosen expert takes the token.
        bias_selected: a bias that is no part of the gates decides who is chosen.
        shared: every token also passes an expert that is not routed.
        recomputed: ``read`` computes who is chosen from logits.
        sequence_first: tokens reach the router place by place instead of sequence by sequence.

    Raises:
        InputError: the pattern is no regular expression.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(
            f"pattern {pattern!r}", expected="a regular expression", got=str(error)
        ) from error
    flags = Flags(dropless, score, bias_selected, shared, recomputed)
    return Described(compiled, Adapter("generic", read, flags, sequence_first))
