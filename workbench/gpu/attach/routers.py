"""Finds the routers of a model, and the number of the block that each is in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torch import nn

from workbench.errors import ModelError
from workbench.gpu.attach.families import FAMILIES, SPLIT, Split
from workbench.gpu.attach.generic import Described
from workbench.gpu.attach.readings import Adapter

__all__ = ["Router", "find"]

_LIKELY = re.compile(r"(^|\.)(gate|router|wg|gating)$")
_SHARED = ("shared_expert", "shared_experts")
_LISTED = 5


@dataclass(frozen=True)
class Router:
    """One router of a model.

    Args:
        layer: number of its block.
        name: path of its module.
        module: itself.
        adapter: how to read it.
        block: the block that divides tokens between this router and another; None where all tokens
            reach it.
        split: how that block divides them.
        second: it is the second of the two.
    """

    layer: int
    name: str
    module: nn.Module
    adapter: Adapter
    block: nn.Module | None = None
    split: Split | None = None
    second: bool = False


def find(model: nn.Module, described: Described | None = None) -> tuple[Router, ...]:
    """The routers in the model's order; blocks of a second tower are numbered behind the first's.

    Args:
        model: to look through.
        described: an adapter of one's own; the ready-made ones when None.

    Raises:
        ModelError: there are none.
    """
    modules = dict(model.named_modules())
    found = [
        (name, module, adapter)
        for name, module in modules.items()
        if (adapter := _adapter(name, module, described)) is not None
    ]
    if not found:
        raise _none(model, modules, described)
    layers = _layers(modules, [name for name, _, _ in found])
    routers = [
        Router(layer, name, module, _told_shared(modules, name, adapter), *_split(modules, name))
        for layer, (name, module, adapter) in zip(layers, found, strict=True)
    ]
    if any(each.split is None for each in routers) and len(set(layers)) < len(layers):
        # blocks cannot be told by their paths: numbered as they come
        routers = [replace(each, layer=at) for at, each in enumerate(routers)]
    return tuple(routers)


def _adapter(name: str, module: nn.Module, described: Described | None) -> Adapter | None:
    if described is not None:
        return described.adapter if described.pattern.fullmatch(name) else None
    return FAMILIES.get(type(module).__name__)


def _told_shared(modules: dict[str, nn.Module], name: str, adapter: Adapter) -> Adapter:
    """The adapter, which also says whether an expert that all tokens pass stands beside."""
    up = [modules[parent] for parent in _parents(name)[:2]]  # of ERNIE it is one further up
    shared = any(getattr(parent, each, None) is not None for parent in up for each in _SHARED)
    return replace(adapter, flags=replace(adapter.flags, shared=adapter.flags.shared or shared))


def _split(modules: dict[str, nn.Module], name: str) -> tuple[nn.Module | None, Split | None, bool]:
    for parent in _parents(name):
        split = SPLIT.get(type(modules[parent]).__name__)
        if split is not None:
            return modules[parent], split, name.removeprefix(f"{parent}.") == split.routers[1]
    return None, None, False


def _parents(name: str) -> list[str]:
    """Paths of the modules that hold one, the nearest first."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts) - 1, -1, -1)]


def _layers(modules: dict[str, nn.Module], names: Sequence[str]) -> list[int]:
    """For each router the number of its block; behind those of towers that come before."""
    places = [_block(modules, name) for name in names]
    before, sizes = {}, 0
    for tower, _ in places:
        if tower not in before:
            before[tower] = sizes
            container = modules[tower] if tower is not None else None
            sizes += len(container) if isinstance(container, nn.ModuleList | nn.Sequential) else 1
    return [before[tower] + number for tower, number in places]


def _block(modules: dict[str, nn.Module], name: str) -> tuple[str | None, int]:
    """The list of blocks that a router is in, the outermost, and its place in it."""
    for parent in reversed(_parents(name)[:-1]):
        holder, _, last = parent.rpartition(".")
        if last.isdigit() and isinstance(modules[holder], nn.ModuleList | nn.Sequential):
            return holder, int(last)
    return None, 0


def _none(
    model: nn.Module, modules: dict[str, nn.Module], described: Described | None
) -> ModelError:
    kind = type(model).__name__
    if described is not None:
        return ModelError(
            f"{kind} has no module whose path matches {described.pattern.pattern!r}",
            expected="the paths of its routers, as in model.named_modules()",
            got=", ".join([*_likely(modules)][:_LISTED]) or "nothing that looks like a router",
        )
    likely = [*_likely(modules)]
    if likely:
        return ModelError(
            f"{kind} has no routers of a known kind",
            expected=f"one of {', '.join(sorted(each.family for each in FAMILIES.values()))}",
            got=f"{len(likely)} modules that look like routers ({', '.join(likely[:_LISTED])} ...)",
            do="Describe them with generic(pattern, read).",
        )
    return ModelError(
        f"{kind} has no routers, so it has no experts to record",
        expected="a mixture of experts",
        got="a dense model, every token of which passes the same weights",
        do="The page Modality gap asks of such a model how it treats images and texts.",
    )


def _likely(modules: dict[str, nn.Module]) -> Iterator[str]:
    """Modules with a router's name that map to at least two numbers."""
    for name, module in modules.items():
        weight = getattr(module, "weight", None)
        wide = getattr(weight, "ndim", 0) == 2 and len(weight) > 1  # type: ignore[arg-type]
        if _LIKELY.search(name) and wide:
            yield name
