"""Where a training keeps its state until it has become a model."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.names import check_name
from store.runs import question_key
from workbench.errors import UnknownName

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["FOLDER", "KIND", "folder", "forgotten", "key", "remove"]

FOLDER = "training"
KIND = "train-limoe"
"""Kind of the jobs that train, and of the runs that tell what became of them."""


def key(params: Mapping[str, Any]) -> str:
    """Name of a training's folder: the same for the same parameters."""
    return question_key(KIND, params)


def folder(root: Path, name: str) -> Path:
    """The folder of a training: ``training/<key>``, not made here.

    Raises:
        InputError: the key cannot be the name of a folder.
    """
    return root / FOLDER / check_name("training", name)


def forgotten(workspace: Workspace) -> tuple[Path, ...]:
    """Folders of trainings that cannot go on.

    Their jobs are unknown here or are done, or their dataset has changed or gone.
    """
    found = [path for path in (workspace.root / FOLDER).glob("*") if path.is_dir()]
    if not found:  # the usual case, at every start of a worker
        return ()
    jobs = workspace.jobs.list(limit=1_000_000)
    kept = {
        key(job.params)
        for job in jobs
        if job.kind == KIND and job.state != "done" and _there(workspace, job.params)
    }
    return tuple(sorted(path for path in found if path.name not in kept))


def _there(workspace: Workspace, params: Mapping[str, Any]) -> bool:
    """Whether the dataset is still what the training was asked about."""
    try:
        return list(workspace.catalog.identity(params["dataset"])) == list(params["version"])
    except UnknownName:
        return False


def remove(root: Path, name: str) -> None:
    """Remove what a training has kept; nothing happens when there is nothing."""
    shutil.rmtree(folder(root, name), ignore_errors=True)
