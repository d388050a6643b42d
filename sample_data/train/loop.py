"""The training loop: batches -> loss -> step, with a log and a checkpoint to go on from."""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from open_clip.model import CLIP
from torch import nn
from torch.optim import Optimizer

from sample_data.train.batches import Pairs, batch_at
from sample_data.train.losses import LOSSES
from sample_data.train.optimizer import optimizers_for
from workbench.errors import InputError
from workbench.gpu.files import replace
from workbench.gpu.limoe.optimizers import set_rates
from workbench.gpu.limoe.training import MAX_LOGIT_SCALE
from workbench.gpu.training_state import Progress, cut_log, load_checkpoint, save_checkpoint

LOG_EVERY = 20
CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
WHOLE_FROM = 0.85
"""After this share of the training, images keep all their patches, as they do in use."""


@dataclass(frozen=True)
class Settings:
    """What decides the result of a training.

    With `steps` the schedule depends on the step alone and the run can be repeated exactly; with
    `minutes` (used when `steps` is 0) it follows the clock, so it ends in time on a busy machine.
    """

    kind: str
    seed: int = 0
    batch: int = 256
    rate: float = 1.0
    warmup: int = 100
    steps: int = 0
    minutes: float = 0.0

    def done(self, step: int, seconds: float) -> float:
        """The share of the training that is over, 0 to 1."""
        total, spent = (self.steps, step) if self.steps else (60 * self.minutes, seconds)
        return min(1.0, spent / total) if total else 1.0

    def factor(self, step: int, seconds: float) -> float:
        """The learning rate as a share of its peak: linear warm-up, then half a cosine to 1%."""
        cosine = 0.505 + 0.495 * math.cos(math.pi * self.done(step, seconds))
        return self.rate * cosine * min(1.0, (step + 1) / self.warmup)


def one_step(
    model: CLIP, optimizers: list[Optimizer], pairs: Pairs, step: int, settings: Settings
) -> float:
    """Train on batch number `step` and return its loss; all chance comes from seed and step."""
    torch.manual_seed(hash((settings.seed, step)) % 2**31)
    images, tokens = batch_at(pairs, step, batch=settings.batch, seed=settings.seed)
    image, text = model.encode_image(images, normalize=True), model.encode_text(tokens, True)
    loss = LOSSES[settings.kind].function(image, text, model.logit_scale.exp(), model.logit_bias)
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(max=MAX_LOGIT_SCALE)
    return float(loss.detach())


def train(
    model: CLIP,
    pairs: Pairs,
    settings: Settings,
    folder: Path,
    *,
    checkpoint_seconds: float = 120.0,
    should_stop: Callable[[int], bool] = lambda _step: False,
) -> Progress:
    """Train until `settings` say that it is over, going on from a checkpoint in `folder`.

    Args:
        model: changed in place.
        pairs: the pretraining images and tokens.
        settings: must equal those of the checkpoint, apart from the length.
        folder: gets the checkpoint and the log, one JSON object a line.
        checkpoint_seconds: a checkpoint is written this often, and at the end.
        should_stop: asked after each step with the number of steps made; True stops early.

    Returns:
        The progress at the end: `step`, `seconds` of training, `settings`.
    """
    model.train()
    optimizers, peaks = optimizers_for(model)
    progress = _resume(folder, model, optimizers, settings)
    saved = time.monotonic()
    for step, seconds, loss in _steps(model, pairs, settings, (optimizers, peaks), progress):
        progress |= {"step": step, "seconds": seconds}
        stop = should_stop(step)
        if step % LOG_EVERY == 0 or step == 1:
            _log(folder, model, settings, progress, loss)
        if stop or time.monotonic() - saved > checkpoint_seconds:
            save_checkpoint(folder / CHECKPOINT, model, optimizers, progress)
            saved = time.monotonic()
        if stop:
            return progress
    save_checkpoint(folder / CHECKPOINT, model, optimizers, progress)
    return progress


def _steps(
    model: CLIP,
    pairs: Pairs,
    settings: Settings,
    rates: tuple[list[Optimizer], list[list[float]]],
    progress: Progress,
) -> Iterator[tuple[int, float, float]]:
    """Make steps until the end: (steps made, seconds of training in all, loss)."""
    optimizers, peaks = rates
    step, seconds = int(progress["step"]), float(progress["seconds"])
    while settings.done(step, seconds) < 1:
        began = time.monotonic()
        set_rates(optimizers, peaks, settings.factor(step, seconds))
        if settings.done(step, seconds) > WHOLE_FROM:
            model.visual.patch_dropout = nn.Identity()
        loss = one_step(model, optimizers, pairs, step, settings)
        if not math.isfinite(loss):
            raise InputError(
                f"the loss of step {step} is {loss}",
                expected="a finite number",
                do="Go on from the last checkpoint with a smaller --rate.",
            )
        step, seconds = step + 1, seconds + time.monotonic() - began
        yield step, seconds, loss


def _resume(folder: Path, model: CLIP, optimizers: list[Optimizer], settings: Settings) -> Progress:
    """Load the checkpoint, if there is one, and cut the log back to it."""
    wanted = asdict(settings)
    if not (folder / CHECKPOINT).is_file():
        replace(folder / LOG, b"")
        return {"step": 0, "seconds": 0.0, "settings": wanted}
    progress = load_checkpoint(folder / CHECKPOINT, model, optimizers)
    fixed = set(wanted) - {"steps", "minutes"}
    if differing := sorted(k for k in fixed if progress["settings"].get(k) != wanted[k]):
        raise InputError(
            f"the training in {folder} was begun with other settings",
            expected=", ".join(f"{k}={progress['settings'].get(k)}" for k in differing),
            got=", ".join(f"{k}={wanted[k]}" for k in differing),
            do="Repeat the first settings, or name another --out.",
        )
    cut_log(folder / LOG, int(progress["step"]))
    return progress | {"settings": wanted}


def _log(folder: Path, model: CLIP, settings: Settings, progress: Progress, loss: float) -> None:
    """Append one line to the log."""
    step, seconds = progress["step"], progress["seconds"]
    line = {
        "step": step,
        "samples": step * settings.batch,
        "seconds": round(seconds, 1),
        "done": round(settings.done(step, seconds), 4),
        "loss": round(loss, 5),
        "scale": round(float(model.logit_scale.detach().exp()), 3),
        "bias": None if model.logit_bias is None else round(float(model.logit_bias.detach()), 3),
        "samples_per_second": round(step * settings.batch / max(seconds, 1e-9), 1),
    }
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
