"""The job `register`: record a model once the worker has loaded its libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.types import JobInfo
from workbench.worker.adopt import register

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["run"]


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Register the model of ``job.params``: ``arch``, ``weights``, ``name``, ``precision``.

    Returns:
        ``model``: its key. A model that is registered already under this name is left as it is.

    Raises:
        InputError, ModelError: as ``workbench.worker.adopt.register``.
    """
    asked = [str(job.params[name]) for name in ("arch", "weights", "name", "precision")]
    info = register(workspace, control.models.device, *asked)
    control.tick(done=1, total=1)
    return {"model": info.key}
