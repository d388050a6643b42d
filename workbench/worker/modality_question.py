"""What a measurement of the modality gap is asked: all that decides its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import InputError
from workbench.types import Rows
from workbench.worker.zero_shot_question import KIND as ZERO_SHOT

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace

__all__ = ["FEWEST", "KIND", "MOST", "newest_run", "picked", "question", "usable"]

KIND = "measure-modality"
CODE = 1
"""Raised when the same question would get another answer: old runs are then not reused."""

FEWEST, MOST = 20, 2000
"""Pairs; what is compared pair by pair grows with their square."""


def question(
    workspace: Workspace,
    dataset: str,
    model: str,
    *,
    pairs: int = 1000,
    seed: int = 0,
    run: str | None = None,
) -> dict[str, Any]:
    """The parameters of a job; see ``Workbench.submit_modality`` for the arguments.

    Raises:
        UnknownName: no such dataset, model or run.
        InputError: a dataset without captions, a number of pairs out of range, or a run of another
            model or head.
    """
    info, card = workspace.catalog.dataset(dataset), workspace.catalog.model(model)
    if info.captions == 0:
        raise InputError(
            f"dataset {dataset!r}",
            expected="captions",
            got="none",
            do="The gap lies between images and texts: choose a dataset that has captions.",
        )
    if not FEWEST <= pairs <= MOST:
        raise InputError("pairs", expected=f"{FEWEST} to {MOST:,}", got=f"{pairs:,}")
    if run is not None:
        found = workspace.runs.get(run)
        if not usable(found, card.key):
            raise InputError(
                f"run {run}",
                expected=f"a zero-shot run of {card.name} with the mean of prompts",
                got=f"{found.kind}, head {found.params.get('head', 'none')}",
            )
    return {
        "dataset": dataset,
        "version": list(workspace.catalog.identity(dataset)),
        "model": card.key,
        "pairs": pairs,
        "seed": seed,
        "run": run,
        "code": CODE,
    }


def usable(run: Run, model: str) -> bool:
    """Whether a run's images and class vectors can be moved towards each other."""
    params = run.params
    return run.kind == ZERO_SHOT and params["model"] == model and params["head"] == "mean"


def newest_run(workspace: Workspace, model: str) -> Run | None:
    """The newest zero-shot run of a model (key) that can be moved; None when there is none."""
    return next((run for run in workspace.runs.list(ZERO_SHOT) if usable(run, model)), None)


def picked(workspace: Workspace, dataset: str, pairs: int, seed: int) -> tuple[Rows, Rows]:
    """Rows of up to ``pairs`` items with an image and a caption, and of their first captions.

    Drawn with the seed where there are more; ascending.

    Raises:
        InputError: fewer than ``FEWEST`` items have both.
    """
    carriers = workspace.tables.captions(dataset)["item_row"].to_numpy()
    items, first = np.unique(carriers, return_index=True)
    uris = workspace.tables.take(dataset, items, ["uri"])["uri"].is_valid().to_numpy()
    items, first = items[uris], first[uris]
    if len(items) < FEWEST:
        raise InputError(
            f"dataset {dataset!r}",
            expected=f"at least {FEWEST} images with a caption",
            got=str(len(items)),
        )
    drawn = np.random.default_rng(seed).permutation(len(items))[:pairs]
    drawn.sort()
    return items[drawn].astype(np.int64), first[drawn].astype(np.int64)
