"""The job ``measure-modality``: how a model holds images and texts apart, layer by layer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.heads.mean import class_vectors
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet, expand
from workbench.types import JobInfo
from workbench.worker.modality_capture import Layers, capture, drop_shards
from workbench.worker.modality_question import KIND, newest_run, picked, question
from workbench.worker.modality_report import classes_closed, measured
from workbench.worker.version import check_version
from workbench.worker.zero_shot_texts import text_vectors

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "run"]

_IMAGES = 20_000
"""Images of a zero-shot run that are classified anew at each step."""


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Measure what ``params`` ask, unless that was done before.

    ``params``: see ``modality_question.question``; or ``ask``: its arguments but ``run``, which is
    then the newest one, made into these when the job begins. Pairs are encoded in shards, each
    published as it is made: killed at any point, another attempt continues after the last one.

    Returns:
        ``run``: key of the run, whose result holds the figures and whose tables are ``pairs``,
        ``projections``, ``neighbours``, ``units``, ``tops`` and, with a zero-shot run,
        ``classes``.

    Raises:
        InputError: the dataset changed since, or too few pairs can be read.
        ModelError: the model cannot be loaded, or has no layers to read.
    """
    params = job.params
    if "ask" in params:  # asked before the dataset and the model were there
        asked = dict(params["ask"])
        newest = newest_run(workspace, workspace.catalog.model(asked["model"]).key)
        run = None if newest is None else newest.key
        params = question(workspace, **asked, run=run)
    known = workspace.runs.find(KIND, params)
    if known is not None:
        control.tick(message="Computed before; the result was kept.")
        return {"run": known.key}
    began = time.perf_counter()
    check_version(workspace, params["dataset"], params["version"])
    rows, captions = picked(workspace, params["dataset"], params["pairs"], params["seed"])
    layers = capture(workspace, control, params, rows, captions)
    control.tick(message="Measuring")
    result, tables = measured(layers, params["seed"], control.tick)
    result["notes"] = _notes(layers, result["repeated"])
    if params["run"] is not None:
        closed, tables["classes"] = _closed(workspace, control, params["run"], params["seed"])
        result["sweep"]["classes"] = closed
    check_version(workspace, params["dataset"], params["version"])
    result["seconds"] = time.perf_counter() - began
    key = workspace.runs.publish(KIND, params, result, tables).key
    drop_shards(workspace, params)
    return {"run": key}


def _notes(layers: Layers, repeated: int) -> list[str]:
    notes = ["Of each item the first caption is taken."]
    if repeated:
        notes.append(
            f"{repeated:,} captions repeat another one's text: a result with the very same text "
            "counts as right."
        )
    if layers.unread:
        shown = "; ".join(layers.unread[:5]) + (" ..." if len(layers.unread) > 5 else "")
        notes.append(f"{len(layers.unread):,} images could not be read and are left out: {shown}")
    return notes


def _closed(
    workspace: Workspace, control: Control, key: str, seed: int
) -> tuple[dict[str, Any], pa.Table]:
    """A zero-shot run's images against its class vectors, moved towards each other."""
    run = workspace.runs.get(key)
    asked = run.params
    classes = ClassSet.from_json(workspace.sets.get("classes", asked["classes"]))
    prompts = PromptSet.from_json(workspace.sets.get("prompts", asked["prompts"]))
    expanded = expand(classes, prompts)
    texts = text_vectors(workspace, control, asked["model"], expanded.texts)
    vectors, _ = class_vectors(texts, expanded.starts)
    table = workspace.predictions.table(run)
    truth = table["truth"].to_numpy()
    places = np.flatnonzero(truth >= 0)
    if len(places) > _IMAGES:
        places = np.sort(np.random.default_rng(seed).permutation(places)[:_IMAGES])
    rows = table["row"].to_numpy()[places]
    control.tick(message="Closing the gap to the classes")
    images = workspace.vectors.take(asked["dataset"], asked["model"], "image", rows)
    return classes_closed(images, vectors, truth[places].astype(np.int32), rows)
