"""The job ``evaluate-synonyms``: how well each class does when it is called by each of its names.

The other classes keep their names, so only one score an image changes, as in ``Workbench.rename``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads.mean import class_vectors
from workbench.longtail.concepts import Concepts
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet, expand
from workbench.types import Floats, JobInfo
from workbench.worker.version import check_version
from workbench.worker.zero_shot_scorer import classes_of
from workbench.worker.zero_shot_scoring import StoredImages
from workbench.worker.zero_shot_texts import text_vectors

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "run"]

KIND = "evaluate-synonyms"


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Evaluate what ``params`` ask, unless that was done before.

    ``params``: run (key of a zero-shot run with the mean head and templates), code.

    Returns:
        ``run``: key of the run whose table ``terms`` has concept, term, n (images) and accuracy
        (percent, null without images), in the order of ``Concepts.flat``.

    Raises:
        InputError: a run of another head, or of a dataset that has changed since.
    """
    known = workspace.runs.find(KIND, job.params)
    if known is not None:
        control.tick(message="Computed before; the result was kept.")
        return {"run": known.key}
    asked = workspace.runs.get(job.params["run"])
    check_version(workspace, asked.params["dataset"], asked.params["version"])
    classes = classes_of(workspace, asked)
    prompts = PromptSet.from_json(workspace.sets.get("prompts", asked.params["prompts"]))
    if asked.params["head"] != "mean" or prompts.kind != "templates":
        raise InputError(
            "accuracy by synonym",
            expected="a run of the mean of templates",
            got=f"{asked.params['head']} of {prompts.kind}",
        )
    concepts = Concepts.of(classes.names, classes.synonyms)
    terms, owner = concepts.flat()
    alone = ClassSet(terms, tuple(f"{n}" for n in range(len(terms))))
    expanded = expand(alone, PromptSet(templates=prompts.templates))
    texts = text_vectors(workspace, control, asked.params["model"], expanded.texts)
    weights, _ = class_vectors(texts, expanded.starts)
    right, images = _right(workspace, control, asked, weights, owner)
    accuracy = np.full(len(terms), np.nan)
    np.divide(100.0 * right, images, out=accuracy, where=images > 0)
    table = pa.table(
        {
            "concept": pa.array(owner.astype(np.int32)),
            "term": pa.array(terms),
            "n": pa.array(images),
            "accuracy": pa.array(accuracy, from_pandas=True),
        }
    )
    result = {"terms": len(terms), "concepts": len(concepts)}
    dataset = asked.params["dataset"]
    kept = workspace.runs.publish(KIND, job.params, result, {"terms": table}, dataset=dataset)
    return {"run": kept.key}


def _right(
    workspace: Workspace, control: Control, asked: Run, weights: Floats, owner: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each term how many images of its class are right under it, and how many there are."""
    card = workspace.catalog.model(asked.params["model"])
    table = workspace.predictions.table(asked)
    truth, rival, level = _rivals(table)
    starts = np.searchsorted(owner, np.arange(owner[-1] + 2))
    known = np.flatnonzero(truth >= 0)
    images = StoredImages(
        workspace,
        asked.params["dataset"],
        card.key,
        table["row"].to_numpy()[known].astype(np.int64),
        weights.shape[1],
    )
    right = np.zeros(len(owner), dtype=np.int64)
    for start, block in images.blocks():
        places = known[start : start + len(block)]
        for concept in np.unique(truth[places]):
            own = slice(int(starts[concept]), int(starts[concept + 1]))
            mine = np.flatnonzero(truth[places] == concept)
            scores = card.logit_scale * (block[mine] @ weights[own].T) + (card.logit_bias or 0.0)
            other, best = rival[places[mine]], level[places[mine]][:, None]
            wins = (scores > best) | ((scores == best) & (concept < other)[:, None])
            right[own] += wins.sum(axis=0)
        control.tick(start + len(block), images.n, "Scoring synonyms")
    return right, np.bincount(truth[known], minlength=int(owner[-1]) + 1)[owner]


def _rivals(table: pa.Table) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """True class, the best other class and its logit, of every prediction."""
    truth = table["truth"].to_numpy()
    top, scores = (
        column.combine_chunks().flatten().to_numpy().reshape(len(truth), -1)
        for column in (table["top"], table["scores"])
    )
    if top.shape[1] == 1:  # one class has no rival
        return truth, np.full(len(truth), -1), np.full(len(truth), -np.inf)
    own = top[:, 0] == truth
    rival = np.where(own, top[:, 1], top[:, 0])
    return truth, rival, np.where(own, scores[:, 1], scores[:, 0])
