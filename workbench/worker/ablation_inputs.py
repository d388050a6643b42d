"""The images and texts that an ablation looks at, each of them once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.gpu.loading import Load
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet, expand
from workbench.types import Rows
from workbench.worker.modality_question import picked
from workbench.worker.version import check_version

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["Inputs", "Labelled", "gathered"]

_COLUMNS = ["item", "uri", "offset", "length"]


@dataclass(frozen=True)
class Labelled:
    """The images of a zero-shot run that have a true class.

    Args:
        rows: int64 (Z,) items of the run's dataset.
        images: int64 (Z,) place of each among all images.
        truth: int64 (Z,) true class.
        prompts: int64 (T,) place of each prompt among all texts.
        starts: int64 (C + 1,) first prompt of each class.
    """

    rows: Rows
    images: Rows
    truth: Rows
    prompts: Rows
    starts: Rows


@dataclass(frozen=True)
class Inputs:
    """What passes the model each time.

    Args:
        loads: the distinct images.
        texts: the distinct texts.
        rows: int64 (P,) items of the pairs.
        caption_rows: int64 (P,) their captions.
        images: int64 (P,) place of each pair's image among all images.
        captions: int64 (P,) place of each pair's caption among all texts; equal for equal texts.
        labelled: of the zero-shot run; None without one.
    """

    loads: list[Load]
    texts: list[str]
    rows: Rows
    caption_rows: Rows
    images: Rows
    captions: Rows
    labelled: Labelled | None


class _Places:
    """Numbers things in the order in which they are first named."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}

    def of(self, things: list[Any]) -> Rows:
        return np.array([self.known.setdefault(each, len(self.known)) for each in things], np.int64)


def gathered(workspace: Workspace, params: Mapping[str, Any]) -> Inputs:
    """Draw the pairs and the labelled images that a question is about.

    Args:
        workspace: where they are.
        params: see ``ablation_question.question``.

    Raises:
        InputError: a dataset changed since, or too few items have an image and a caption.
        UnknownName: the zero-shot run's dataset is gone.
    """
    dataset, limit, seed = params["dataset"], params["limit"], params["seed"]
    check_version(workspace, dataset, params["version"])
    rows, caption_rows = picked(workspace, dataset, limit, seed)
    images, texts = _Places(), _Places()
    of_pairs = images.of(_loads(workspace, dataset, rows))
    said = workspace.tables.captions(dataset, caption_rows)["text"].to_pylist()
    captions = texts.of(said)
    labelled = None
    if params["zero_shot"] is not None:
        labelled = _labelled(workspace, params, images, texts)
    return Inputs(
        list(images.known), list(texts.known), rows, caption_rows, of_pairs, captions, labelled
    )


def _loads(workspace: Workspace, dataset: str, rows: Rows) -> list[Load]:
    table = workspace.tables.take(dataset, rows, _COLUMNS)
    return [Load(*each) for each in zip(*(table[c].to_pylist() for c in _COLUMNS), strict=True)]


def _labelled(
    workspace: Workspace, params: Mapping[str, Any], images: _Places, texts: _Places
) -> Labelled:
    asked = params["zero_shot"]
    check_version(workspace, asked["dataset"], asked["version"])
    table = workspace.predictions.table(workspace.runs.get(asked["run"]))
    truth: NDArray[np.int32] = table["truth"].to_numpy()
    places = np.flatnonzero(truth >= 0)
    drawn = np.random.default_rng(params["seed"]).permutation(places)[: params["limit"]]
    drawn.sort()
    rows = table["row"].to_numpy()[drawn].astype(np.int64)
    classes = ClassSet.from_json(workspace.sets.get("classes", asked["classes"]))
    prompts = PromptSet.from_json(workspace.sets.get("prompts", asked["prompts"]))
    expanded = expand(classes, prompts)
    return Labelled(
        rows=rows,
        images=images.of(_loads(workspace, asked["dataset"], rows)),
        truth=truth[drawn].astype(np.int64),
        prompts=texts.of(list(expanded.texts)),
        starts=np.asarray(expanded.starts, np.int64),
    )
