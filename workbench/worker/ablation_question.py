"""What switching experts off is asked: all that decides the answer, checked before it is queued."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import InputError, ModelError
from workbench.experts.damage import Pick
from workbench.types import ModelInfo
from workbench.worker.modality_question import newest_run, usable

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace

__all__ = [
    "CONTROLS",
    "FEWEST",
    "KIND",
    "MODES",
    "MOST",
    "PART",
    "Mode",
    "named",
    "part_question",
    "question",
    "titled",
]

KIND = "ablate-experts"
PART = "ablate-experts-part"
CODE = 1
"""Raised when the same question would get another answer: old runs are then not reused."""

Mode = Literal["residual", "reroute"]
MODES: tuple[Mode, ...] = ("residual", "reroute")
"""What becomes of a token whose expert is off: ``residual``, the block adds nothing to it;
``reroute``, it goes to the best of the others."""

FEWEST, MOST, CONTROLS = 20, 10_000, 50
"""Pairs and images, and draws of random experts at most."""


def question(
    workspace: Workspace,
    dataset: str,
    model: str,
    off: Mapping[int, Collection[int]],
    *,
    mode: Mode = "residual",
    run: str | Literal["newest"] | None = "newest",
    controls: int = 5,
    every: bool = False,
    limit: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """The parameters of a job; see ``Workbench.submit_ablation`` for the arguments.

    Raises:
        UnknownName: no such dataset, model or run.
        ModelError: the model has no experts, or none in a block that is named.
        InputError: no such expert, a dataset without captions, a run of another model or head, or
            a number out of its range.
    """
    info, card = workspace.catalog.dataset(dataset), workspace.catalog.model(model)
    pick = _picked(card, off, mode)
    if info.captions == 0:
        raise InputError(
            f"dataset {dataset!r}",
            expected="captions",
            got="none",
            do="Retrieval and the shift of texts need them: choose a dataset that has captions.",
        )
    _check(FEWEST <= limit <= MOST, "limit", f"{FEWEST} to {MOST:,} pairs", limit)
    _check(0 <= controls <= CONTROLS, "controls", f"0 to {CONTROLS} draws", controls)
    _check(seed >= 0, "seed", "at least 0", seed)
    return {
        "dataset": info.name,
        "version": list(workspace.catalog.identity(info.name)),
        "model": card.key,
        "off": [list(each) for each in pick],
        "mode": mode,
        "zero_shot": _zero_shot(workspace, card, run),
        "controls": controls,
        "every": every,
        "limit": limit,
        "seed": seed,
        "code": CODE,
    }


def _picked(card: ModelInfo, off: Mapping[int, Collection[int]], mode: str) -> Pick:
    """The experts as rising (block, expert)."""
    config = card.limoe
    if not card.has_experts or not config:
        raise ModelError(
            f"model {card.name} has no experts to switch off",
            expected="a mixture of experts (LIMoE)",
            got=f"{card.arch}, every token of which passes the same weights",
            do="The page Modality gap asks of such a model how it treats images and texts.",
        )
    _check(mode in MODES, "mode", " or ".join(MODES), repr(mode))
    layers, count = config["moe_layers"], int(config["experts"])
    pick = tuple(sorted({(int(b), int(e)) for b, experts in off.items() for e in experts}))
    _check(bool(pick), "experts to switch off", "at least one", "none")
    for layer, expert in pick:
        if layer not in layers:
            raise ModelError(
                f"block {layer} of {card.name} has no experts",
                expected=f"one of the blocks {', '.join(map(str, layers))}",
                got=str(layer),
            )
        _check(0 <= expert < count, f"expert of block {layer}", f"0 to {count - 1}", expert)
    full = [layer for layer in layers if sum(each == layer for each, _ in pick) == count]
    if mode == "reroute" and full:
        raise InputError(
            f"experts of block {full[0]} to switch off",
            expected=f"at most {count - 1}, so that one is left",
            got=f"all {count}",
            do="Choose `residual` to pass every token by the whole block.",
        )
    return pick


def _zero_shot(workspace: Workspace, card: ModelInfo, key: str | None) -> dict[str, Any] | None:
    """What is asked of the images of a zero-shot run; None without one."""
    if key is None:
        return None
    run: Run | None = newest_run(workspace, card.key) if key == "newest" else None
    if key != "newest":
        run = workspace.runs.get(key)
        if not usable(run, card.key):
            raise InputError(
                f"run {key}",
                expected=f"a zero-shot run of {card.name} with the mean of prompts",
                got=f"{run.kind}, head {run.params.get('head', 'none')}",
            )
    if run is None:
        return None
    asked = {name: run.params[name] for name in ("dataset", "version", "classes", "prompts")}
    return {"run": run.key} | asked


def _check(right: bool, name: str, expected: str, got: object) -> None:
    if not right:
        raise InputError(name, expected=expected, got=str(got))


def part_question(params: Mapping[str, Any], off: Pick) -> dict[str, Any]:
    """What one pass without some experts is asked; shared by all questions that need it.

    Args:
        params: of ``question``.
        off: the experts; none for the whole model.
    """
    names = ("dataset", "version", "model", "zero_shot", "limit", "seed", "code")
    asked = {name: params[name] for name in names}
    return asked | {"off": [list(each) for each in off], "mode": params["mode"] if off else ""}


def named(off: Pick) -> str:
    """Experts in words: ``expert 3 of block 1``, ``experts 0, 2 of block 1 and 5 of block 3``."""
    blocks: dict[int, list[str]] = {}
    for layer, expert in off:
        blocks.setdefault(layer, []).append(str(expert))
    parts = [f"{', '.join(experts)} of block {layer}" for layer, experts in blocks.items()]
    return f"expert{'s' if len(off) > 1 else ''} {' and '.join(parts)}"


def titled(card: ModelInfo, params: Mapping[str, Any]) -> str:
    """An ablation in one line, for the list of jobs."""
    pick = tuple((layer, expert) for layer, expert in params["off"])
    return f"Switch {named(pick)} of {card.name} off on {params['dataset']}"
