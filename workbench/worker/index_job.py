"""The job ``index``: build the search index over the vectors of one side of a dataset."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workbench.types import JobInfo

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["run"]


def run(job: JobInfo, workspace: Workspace, control: Control) -> dict[str, Any]:
    """Build the index of ``params``: dataset, model (name or key), side.

    Killed, it starts again; the former index serves until the new one is published.

    Args:
        job: kind ``index``.
        workspace: where the vectors are.
        control: told of progress; raises when the job shall stop.

    Returns:
        The fields of the ``IndexInfo``; only ``rows`` = 0 where there are no vectors (a side
        that the dataset does not have).
    """
    dataset, side = str(job.params["dataset"]), job.params["side"]
    model = workspace.catalog.model(str(job.params["model"]))
    info = workspace.vectors.info(dataset, model.key, side)
    if info.done == 0:
        control.tick(message=f"{dataset} has no {side} vectors by {model.name}.")
        return {"rows": 0}
    control.tick(done=0, total=info.done, device="cpu")
    built = workspace.indexes.build(
        dataset,
        model.key,
        side,
        progress=lambda done, total: control.tick(done=done, total=total),
        should_stop=lambda: control.stopping,
    )
    control.tick(done=info.done, total=info.done, message=built.reason)
    return asdict(built)
