"""The training loop of a LIMoE: batches -> losses -> step, with a film and a checkpoint."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from workbench.errors import InputError, ModelError, WorkbenchError
from workbench.gpu.files import replace
from workbench.gpu.limoe.batches import Pairs
from workbench.gpu.limoe.losses import auxiliary, contrastive
from workbench.gpu.limoe.model import Limoe
from workbench.gpu.limoe.optimizers import optimizers_for, set_rates
from workbench.gpu.limoe.recipe import Recipe
from workbench.gpu.limoe.watch import kept_shares, watch
from workbench.gpu.training_state import (
    Progress,
    cut_log,
    load_checkpoint,
    save_checkpoint,
)

__all__ = ["CHECKPOINT", "FILM", "MAX_LOGIT_SCALE", "new_model", "train"]

CHECKPOINT = "checkpoint.safetensors"
FILM = "training.jsonl"
MAX_LOGIT_SCALE = math.log(100.0)
"""Similarities are never multiplied by more than 100, as in CLIP."""

WHOLE_FROM = 0.85
"""After this share of the steps, images keep all their patches, as they do in use."""

LOG_EVERY = 10
EARLY = (0, 5, 10, 20, 35)
"""Steps of the first looks: routing changes fastest at the beginning."""


def new_model(recipe: Recipe, vocab_size: int, context_length: int) -> Limoe:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return Limoe(recipe.config(vocab_size, context_length))


def train(
    model: Limoe,
    pairs: Pairs,
    recipe: Recipe,
    folder: Path,
    *,
    tick: Callable[[int], None] = lambda _step: None,
    checkpoint_seconds: float = 60.0,
) -> Progress:
    """Train to the last step, going on from a checkpoint in ``folder`` if there is one.

    Args:
        model: as ``new_model`` makes it; changed in place, on the device where it is.
        pairs: give the batches.
        recipe: must equal the checkpoint's.
        folder: gets the checkpoint and the film, one JSON object a line: ``step`` lines with the
            losses of a step, ``watch`` lines with what ``watch.watch`` sees.
        tick: called after each step with the number of steps made. What it raises (a cancel, a
            stop) ends the training after a checkpoint was written.
        checkpoint_seconds: a checkpoint is written this often, and at the end.

    Returns:
        ``step``, ``seconds`` of training, ``recipe``.

    Raises:
        InputError: the checkpoint is damaged or belongs to another recipe.
        ModelError: the loss is not finite.
    """
    model.train()
    optimizers, peaks = optimizers_for(model)
    progress = _resume(folder, model, optimizers, recipe)
    film = folder / FILM
    held_out = [each.to(model.logit_scale.device) for each in pairs.held_out()]
    if not film.stat().st_size:  # not when a first step was stopped: then it is there
        _append(film, {"kind": "watch", "step": 0} | watch(model, *held_out))
    saved = time.monotonic()
    while progress["step"] < recipe.steps:
        began, step = time.monotonic(), int(progress["step"])
        set_rates(optimizers, peaks, recipe.factor(step))
        try:
            line = _one_step(model, optimizers, pairs, step, recipe)
        except WorkbenchError:  # raised before any weight moves: a stop within the forward pass
            save_checkpoint(folder / CHECKPOINT, model, optimizers, progress)
            raise
        step += 1
        progress |= {"step": step, "seconds": progress["seconds"] + time.monotonic() - began}
        if step % LOG_EVERY == 0 or step in (1, recipe.steps):
            speed = step * recipe.batch / max(progress["seconds"], 1e-9)
            _append(film, line | {"step": step, "pairs_per_second": round(speed, 1)})
        if step % recipe.watch == 0 or step in (*EARLY, recipe.steps):
            _append(film, {"kind": "watch", "step": step} | watch(model, *held_out))
        try:
            tick(step)
        except BaseException:
            save_checkpoint(folder / CHECKPOINT, model, optimizers, progress)
            raise
        if time.monotonic() - saved > checkpoint_seconds:
            save_checkpoint(folder / CHECKPOINT, model, optimizers, progress)
            saved = time.monotonic()
    save_checkpoint(folder / CHECKPOINT, model, optimizers, progress)
    return progress


def _one_step(
    model: Limoe, optimizers: list[Optimizer], pairs: Pairs, step: int, recipe: Recipe
) -> dict[str, Any]:
    """Train on batch number ``step``; all chance comes from seed and step."""
    device = model.logit_scale.device
    pixels, tokens = (each.to(device) for each in pairs.batch(step))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(hash((recipe.seed, 3, step)) % 2**31)
        places = _patches(model, len(pixels), step, recipe)
        image, text, routed = model(pixels, tokens, model.config.capacity_factor, patches=places)
    main = contrastive(image, text, model.logit_scale.exp())
    extra, terms = auxiliary(routed, recipe.weights()) if routed else (main.new_zeros(()), {})
    loss = main + extra
    if not bool(torch.isfinite(loss)):
        raise ModelError(
            f"the loss of step {step} is {float(loss.detach())}",
            expected="a finite number",
            do="Train again with a smaller rate.",
        )
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(max=MAX_LOGIT_SCALE)
    figures = {"loss": loss, "contrastive": main, **terms, "scale": model.logit_scale.exp()}
    line: dict[str, Any] = {"kind": "step"}
    line |= {name: round(float(value.detach()), 5) for name, value in figures.items()}
    line["rate"] = round(recipe.factor(step), 5)
    line["kept"] = [kept_shares([each]) for each in routed]
    return line


def _patches(model: Limoe, rows: int, step: int, recipe: Recipe) -> Tensor | None:
    """Which patches of each image a step sees: int64 (rows, n), rising; None for all of them."""
    if not recipe.patch_dropout or step >= WHOLE_FROM * recipe.steps:
        return None
    count = model.config.patches
    left = max(1, round(count * (1 - recipe.patch_dropout)))
    drawn = torch.rand(rows, count, device=model.logit_scale.device)
    return drawn.topk(left, dim=1).indices.sort(dim=1).values


def _resume(folder: Path, model: Limoe, optimizers: list[Optimizer], recipe: Recipe) -> Progress:
    """Load the checkpoint, if there is one, and cut the film back to it."""
    wanted = dict(vars(recipe))
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / CHECKPOINT).is_file():
        replace(folder / FILM, b"")
        return {"step": 0, "seconds": 0.0, "recipe": wanted}
    progress = load_checkpoint(folder / CHECKPOINT, model, optimizers)
    begun = progress["recipe"]
    if differing := sorted(name for name in wanted if begun.get(name) != wanted[name]):
        raise InputError(
            f"the training in {folder.name} was begun with another recipe",
            expected=", ".join(f"{name}={begun.get(name)}" for name in differing),
            got=", ".join(f"{name}={wanted[name]}" for name in differing),
            do="Repeat the first recipe, or train into another folder.",
        )
    cut_log(folder / FILM, int(progress["step"]))
    return progress


def _append(film: Path, line: dict[str, Any]) -> None:
    with film.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
