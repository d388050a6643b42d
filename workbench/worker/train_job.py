"""The job ``train-limoe``: a sparse model of its own, trained on a dataset's images and captions.

Its state lies in ``training/<key>`` of the workspace until the model is registered: the tokenizer
that was learned, the last checkpoint, and the film that the pages draw. Killed or cancelled at any
step it goes on there, with the numbers that one go would have given.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from store import training
from workbench.gpu import bpe
from workbench.gpu.files import replace
from workbench.gpu.gate import install
from workbench.gpu.limoe.bundle import export
from workbench.gpu.limoe.model import Limoe
from workbench.gpu.limoe.training import FILM, new_model, train
from workbench.gpu.loading import threads
from workbench.gpu.source import MERGES_FILE
from workbench.types import JobInfo, ModelInfo, Side
from workbench.worker.adopt import register
from workbench.worker.train_pairs import Captioned, DatasetPairs, captioned
from workbench.worker.train_question import KIND, recipe_of
from workbench.worker.version import check_version

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["CHECKPOINT_SECONDS", "run"]

CHECKPOINT_SECONDS = 30.0
"""A checkpoint is written this often: what a kill can cost."""

MERGES = 1500
"""Byte pairs that the tokenizer learns at most."""

_CAPTIONS_READ = 200_000
"""Captions that the tokenizer learns from at most; the first ones."""

_METRICS = "metrics.json"


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Train what ``params`` ask, register the model, and queue the embedding of its dataset.

    ``params``: dataset, version, name, context, recipe, code; see ``train_question.question``.

    Returns:
        ``model`` (its key), ``run`` (key of the run that tells recipe and figures).

    Raises:
        InputError: the dataset changed since, has too few captions, or cannot be read.
        ModelError: the loss became infinite.
    """
    made = workspace.runs.find(KIND, job.params)
    known = {model.key for model in workspace.catalog.models()}
    if made is None or made.result["model"] not in known:
        check_version(workspace, job.params["dataset"], job.params["version"])
        made = workspace.runs.get(_Training(workspace, control, job.params).run())
    control.tick(message=f"Trained: {made.result['name']}")
    _queue_embedding(workspace, job.params["dataset"], made.result["name"])
    training.remove(workspace.root, training.key(job.params))
    return {"model": made.result["model"], "run": made.key}


def _queue_embedding(workspace: Workspace, dataset: str, model: str) -> None:
    """So that the model can be used on every page; equal jobs are not queued twice."""
    sides: tuple[Side, ...] = ("image", "caption")
    params = {"dataset": dataset, "model": model, "sides": list(sides)}
    embed = workspace.jobs.submit(
        "embed", params, title=f"Embed {dataset} with {model}", unit="items"
    )
    for side in sides:
        workspace.jobs.submit(
            "index",
            {"dataset": dataset, "model": model, "side": side},
            title=f"Index {side}s of {dataset} by {model}",
            unit="vectors",
            after=(embed.id,),
        )


def _cores() -> int:
    """Cores that a step is computed on: all, unless ``OMP_NUM_THREADS`` says how many."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) else threads()


@dataclass
class _Training:
    """One training under way."""

    workspace: Workspace
    control: Control
    params: Mapping[str, Any]

    def run(self) -> str:
        """Train to the end and register; returns the key of the run."""
        self.control.tick(message="Reading captions")
        items = captioned(self.workspace, self.params["dataset"])
        tokenizer = self._tokenizer(items)
        recipe = recipe_of(self.params)
        pairs = DatasetPairs(self.workspace, items, recipe, tokenizer, self.control.log)
        try:
            model, progress = self._trained(pairs, tokenizer.vocab_size)
        finally:
            pairs.close()
        figures = self._figures(progress, pairs)
        info = self._registered(model, figures)
        result = {"model": info.key, "name": info.name, **figures}
        return self.workspace.runs.publish(KIND, self.params, result).key

    @property
    def folder(self) -> Path:
        """Where its state is kept."""
        return training.folder(self.workspace.root, training.key(self.params))

    def _tokenizer(self, items: Captioned) -> Any:
        """Byte pairs of the captions that are trained on, learned once."""
        path = self.folder / MERGES_FILE
        if not path.is_file():
            self.control.tick(message="Learning a tokenizer from the captions")
            texts = islice(items.captions(items.split()[0]), _CAPTIONS_READ)
            bpe.write(path, bpe.learn(texts, MERGES))
        return bpe.load(path, self.params["context"])

    def _trained(self, pairs: DatasetPairs, vocabulary: int) -> tuple[Limoe, Mapping[str, Any]]:
        models, recipe = self.control.models, recipe_of(self.params)
        total = recipe.steps * recipe.batch
        torch.set_num_threads(_cores())  # of this thread; another number could change the sums
        model = new_model(recipe, vocabulary, self.params["context"]).to(models.device.torch)
        if models.device.kind != "cuda":
            install(model, models.gate)

        def tick(step: int) -> None:
            self.control.tick(step * recipe.batch, total)

        where = f"Training on {models.device.title}"
        self.control.tick(None, total, where, device=models.device.title)
        with models.gate.background(self.control.check):
            progress = train(
                model,
                pairs,
                recipe,
                self.folder,
                tick=tick,
                checkpoint_seconds=CHECKPOINT_SECONDS,
            )
        return model, progress

    def _figures(self, progress: Mapping[str, Any], pairs: DatasetPairs) -> dict[str, Any]:
        """What is told of a finished training."""
        lines = (self.folder / FILM).read_text("utf-8").splitlines()
        last = next(line for line in map(json.loads, reversed(lines)) if line["kind"] == "watch")
        names = ("image_to_text", "text_to_image", "pairs", "kept", "local")
        return {
            "dataset": self.params["dataset"],
            "recipe": dict(self.params["recipe"]),
            "steps": progress["step"],
            "seconds": round(progress["seconds"], 1),
            "items": len(pairs.training),
            "unreadable": len(pairs.unreadable),
            "held_out": {name: last[name] for name in names},
            "finished": round(time.time()),
        }

    def _registered(self, model: Limoe, figures: Mapping[str, Any]) -> ModelInfo:
        self.control.tick(message="Registering the model")
        folder, merges = self.folder / "bundle", (self.folder / MERGES_FILE).read_bytes()
        replace(folder / _METRICS, json.dumps({"training": figures}, indent=2).encode() + b"\n")
        export(folder, model, merges, clean=bpe.CLEAN, film=self.folder / FILM)
        device = self.control.models.device
        return register(self.workspace, device, "", str(folder), self.params["name"], "auto")
