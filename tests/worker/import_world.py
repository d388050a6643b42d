"""Runs import jobs in this process, as the worker does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from store.workspace import Workspace
from workbench.types import JobInfo
from workbench.worker import import_job
from workbench.worker.control import Control


def submit(
    workspace: Workspace,
    path: Path | str,
    dataset: str = "d",
    importer: str | None = None,
    **options: Any,
) -> JobInfo:
    params = {"path": str(path), "dataset": dataset, "importer": importer, "options": options}
    workspace.jobs.submit("import", params, title="import", unit="items")
    job = workspace.jobs.claim("w")
    assert job is not None
    return job


def perform(workspace: Workspace, job: JobInfo) -> dict[str, Any]:
    """Run a claimed job and record how it ended."""
    try:
        result = import_job.run(job, workspace, Control(job, workspace, "w"))
    except Exception as error:
        workspace.jobs.fail(job.id, "w", str(error))
        raise
    workspace.jobs.finish(job.id, "w", result)
    return result


def run(
    workspace: Workspace, path: Path | str, dataset: str = "d", **options: Any
) -> dict[str, Any]:
    return perform(workspace, submit(workspace, path, dataset, **options))


def column(workspace: Workspace, name: str, dataset: str = "d") -> list[Any]:
    return workspace.tables.items(dataset, columns=[name])[name].to_pylist()


def skipped(workspace: Workspace, dataset: str = "d") -> dict[str, str]:
    table = workspace.tables.skipped(dataset)
    return dict(zip(table["item"].to_pylist(), table["reason"].to_pylist(), strict=True))


def leftovers(workspace: Workspace) -> list[Path]:
    return [path for path in workspace.root.rglob("*") if path.name.startswith(".tmp-")]
