"""Trainings of a sparse model: asking for them, following them, and what they have become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from store import training
from workbench.api.opened import Opened
from workbench.errors import InputError, UnknownName, WorkbenchError
from workbench.experts.film import Film, read_film
from workbench.gpu.limoe.recipe import Recipe
from workbench.params import build
from workbench.types import DatasetInfo, JobInfo, JobState, ModelInfo
from workbench.worker.train_question import CONTEXT, KIND, LEAST_ITEMS, question, titled

__all__ = ["CONTEXT", "Film", "Recipe", "TrainingRun", "Trainings", "look_rows", "step_rows"]

_ACTIVE: tuple[JobState, ...] = ("queued", "running")
_JOBS = 10_000


@dataclass(frozen=True)
class TrainingRun:
    """One training, on its way or ended.

    Args:
        key: of its question.
        name: of the model that it makes.
        dataset: trained on.
        recipe: see ``Recipe``, as plain values.
        state: of its newest job.
        job: number of that job.
        step: steps made, as the job told last.
        steps: there are.
        model: key of the model, once it is registered; empty before, and when it was removed.
        created: when it was asked for, seconds since 1970.
    """

    key: str
    name: str
    dataset: str
    recipe: Mapping[str, Any]
    state: JobState
    job: int
    step: int
    steps: int
    model: str
    created: float

    @property
    def label(self) -> str:
        """One line that tells it from others."""
        recipe = self.recipe
        kind = "dense" if recipe["losses"] == "dense" else f"{recipe['losses']} losses"
        return f"{self.name} · {self.dataset} · {kind} · seed {recipe['seed']}"


class Trainings(Opened):
    """Questions about trainings."""

    def trainable(self) -> tuple[DatasetInfo, ...]:
        """The datasets that have captions to train on."""
        return tuple(
            info
            for info in self.workspace.catalog.datasets()
            if info.captions and info.items >= LEAST_ITEMS
        )

    def submit_training(
        self, dataset: str, name: str, *, context: int = CONTEXT, **options: Any
    ) -> JobInfo:
        """Queue the training of a LIMoE on a dataset's images and captions.

        The worker trains, registers the model under the name, and queues the embedding of the
        dataset by it. A training that was stopped goes on at its last checkpoint (``retry``), and
        gives the numbers that one go would have given.

        Args:
            dataset: with captions.
            name: of the model.
            context: tokens a caption may have, with start and end mark; the rest is cut off.
            options: of ``Recipe``: losses, soft_text, modality_bias, steps, batch, seed ...

        Raises:
            UnknownName: no such dataset.
            InputError: an option that is not allowed, a name that is taken, a dataset without
                captions, or the same training that was made under another name.
        """
        params = question(self.workspace, dataset, name, context=context, options=options)
        total = params["recipe"]["steps"] * params["recipe"]["batch"]
        return self.workspace.jobs.submit(
            KIND, params, title=titled(params), unit="pairs", total=total
        )

    def trainings(self) -> tuple[TrainingRun, ...]:
        """Every training that was asked for, newest first; one of several jobs for the same."""
        models = {model.key for model in self.workspace.catalog.models()}
        found: dict[str, TrainingRun] = {}
        for job in self.workspace.jobs.list(limit=_JOBS):
            if job.kind == KIND:
                run = _told(job, models)
                found.setdefault(run.key, run)
        return tuple(found.values())

    def training(self, key: str) -> TrainingRun:
        """One training.

        Raises:
            UnknownName: there is none of this key.
        """
        runs = {run.key: run for run in self.trainings()}
        if key not in runs:
            raise UnknownName("training", key, list(runs))
        return runs[key]

    def trained(self, run: str) -> dict[str, Any]:
        """What a finished training tells: recipe, steps, seconds, figures of the held-out pairs.

        Args:
            run: its key, in the result of the job.

        Raises:
            UnknownName: there is none.
        """
        found = self.workspace.runs.get(run)
        if found.kind != KIND:
            known = [each.key for each in self.workspace.runs.list(KIND)]
            raise UnknownName("training", run, known)
        return {"run": run, **found.result}

    def training_film(self, key: str) -> Film | None:
        """What a training told so far, while it runs and after; None before its start.

        Raises:
            UnknownName: there is no training of this key.
        """
        run = self.training(key)
        under_way = training.folder(self.root, key) / _LOG
        if under_way.is_file():
            return _film(under_way)
        return self.model_film(run.model) if run.model else None

    def model_film(self, model: str) -> Film | None:
        """What the training of a model told; None for models that came without it.

        Raises:
            UnknownName: no such model.
        """
        key = self.workspace.catalog.model(model).key
        path = self.workspace.catalog.model_folder(key) / _LOG
        return _film(path) if path.is_file() else None

    def thresholds(self, model: str) -> dict[str, float]:
        """Experts that each modality had to use at least in the training of a model (LIMoE's S).

        Returns:
            ``image`` and ``text``, each only where its global entropy loss counted; empty for a
            model that was removed or came without its recipe.
        """
        catalog = self.workspace.catalog
        try:
            path = catalog.model_folder(catalog.model(model).key) / _METRICS
            values = json.loads(path.read_text("utf-8"))["training"]["recipe"]
            weights = build(Recipe, values).weights()
        except (OSError, ValueError, KeyError, TypeError, WorkbenchError):
            return {}  # a file of somebody else's
        sides = {
            "image": (weights.global_image, weights.soft_image),
            "text": (weights.global_text, weights.soft_text),
        }
        return {side: soft for side, (weight, soft) in sides.items() if weight}

    def filmed(self) -> tuple[ModelInfo, ...]:
        """The models whose training is told."""
        catalog = self.workspace.catalog
        return tuple(
            each for each in catalog.models() if (catalog.model_folder(each.key) / _LOG).is_file()
        )

    def discard_training(self, key: str) -> None:
        """Forget the checkpoint of a training that was stopped; it would begin anew.

        Raises:
            UnknownName: there is no training of this key.
            InputError: it is under way.
        """
        run = self.training(key)
        if run.state in _ACTIVE:
            raise InputError(
                f"training {run.name!r}",
                expected="one that has stopped",
                got=run.state,
                do="Cancel it first.",
            )
        training.remove(self.root, key)

    def has_checkpoint(self, key: str) -> bool:
        """Whether a stopped training can go on in the middle."""
        return training.folder(self.root, key).is_dir()


_LOG = "training.jsonl"
_METRICS = "metrics.json"


def _film(path: Path) -> Film:
    known = path.stat()
    return _read(path, (known.st_mtime_ns, known.st_size))


@lru_cache(maxsize=8)
def _read(path: Path, version: tuple[int, int]) -> Film:
    """The film in a file, read again when the file has grown."""
    return read_film(path)


def step_rows(film: Film) -> list[dict[str, Any]]:
    """The steps of a training as rows: step, each loss, scale, rate, pairs a second."""
    columns = {
        "step": film.trained,
        **film.losses,
        "scale": film.scale,
        "rate": film.rate,
        "pairs_per_second": film.speed,
    }
    values = [column.tolist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def look_rows(film: Film) -> list[dict[str, Any]]:
    """The looks at held-out pairs as rows, one a layer and modality; one a look when dense.

    Columns step, image_to_text, text_to_image, and where there are experts: layer, modality,
    entropy, kept, experts_hard, experts_soft (effective numbers), jsd_bits.
    """
    rows: list[dict[str, Any]] = []
    hard, soft, apart = film.effective, film.effective_soft, film.jsd
    for nth, step in enumerate(film.steps.tolist()):
        base = {
            "step": step,
            "image_to_text": float(film.image_to_text[nth]),
            "text_to_image": float(film.text_to_image[nth]),
        }
        if not len(film.layers):
            rows.append(base)
        for place, layer in enumerate(film.layers.tolist()):
            for side, modality in enumerate(("image", "text")):
                rows.append(
                    base
                    | {
                        "layer": layer,
                        "modality": modality,
                        "entropy": float(film.local[nth, place, side]),
                        "kept": float(film.kept[nth, place, side]),
                        "experts_hard": float(hard[nth, place, side]),
                        "experts_soft": float(soft[nth, place, side]),
                        "jsd_bits": float(apart[nth, place]),
                    }
                )
    return rows


def _told(job: JobInfo, models: set[str]) -> TrainingRun:
    recipe = job.params["recipe"]
    model = str(job.result.get("model", "")) if job.state == "done" else ""
    return TrainingRun(
        key=training.key(job.params),
        name=job.params["name"],
        dataset=job.params["dataset"],
        recipe=recipe,
        state=job.state,
        job=job.id,
        step=job.done // recipe["batch"],
        steps=recipe["steps"],
        model=model if model in models else "",
        created=job.created,
    )
