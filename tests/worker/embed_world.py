"""A workspace with pictures, captions and the tiny model, and embed jobs run in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from store.workspace import Workspace
from tests.gpu.tiny import picture
from workbench.types import JobInfo, Source
from workbench.worker import embed_job
from workbench.worker.adopt import register
from workbench.worker.control import Control
from workbench.worker.models import Models


def fill(workspace: Workspace, folder: Path, images: int, *, bare: tuple[int, ...] = ()) -> None:
    """Add pictures as files of their own, two captions each; ``bare`` items have no image."""
    folder.mkdir(parents=True, exist_ok=True)
    sources: list[Source | None] = []
    for number in range(images):
        path = folder / f"{number:04}.png"
        path.write_bytes(picture(number))
        sources.append(None if number in bare else Source(str(path), 0, path.stat().st_size))
    workspace.catalog.ensure_dataset("d", importer="folder", source=str(folder), info={})
    items = pa.table(
        {
            "item": [f"{number:04}.png" for number in range(images)],
            "uri": pa.array([s and s.uri for s in sources], pa.string()),
            "offset": pa.array([s and s.offset for s in sources], pa.int64()),
            "length": pa.array([s and s.length for s in sources], pa.int64()),
        }
    )
    texts = [f"picture {number} {word}" for number in range(images) for word in ("a", "b")]
    captions = pa.table({"item_index": [i // 2 for i in range(2 * images)], "text": texts})
    workspace.tables.append("d", items, captions)


def with_model(workspace: Workspace, tiny: Path) -> Models:
    """Register the tiny model under its name; the worker's models on the CPU."""
    models = Models(workspace, "cpu")
    models.prepare()
    register(workspace, models.device, "", str(tiny), "tiny", "auto")
    return models


def submit(workspace: Workspace, *sides: str) -> JobInfo:
    params = {"dataset": "d", "model": "tiny", "sides": list(sides or ("image", "caption"))}
    workspace.jobs.submit("embed", params, title="embed")
    job = workspace.jobs.claim("w")
    assert job is not None
    return job


def perform(
    workspace: Workspace, models: Models, job: JobInfo, control: Control | None = None
) -> dict[str, Any]:
    control = control or Control(job, workspace, "w", models=models)
    try:
        result = embed_job.run(job, workspace, control)
    except Exception as error:
        workspace.jobs.fail(job.id, "w", str(error))
        raise
    workspace.jobs.finish(job.id, "w", result)
    return result


def vectors(workspace: Workspace, side: str = "image") -> Any:
    key = workspace.catalog.model("tiny").key
    info = workspace.vectors.info("d", key, side)
    return workspace.vectors.take("d", key, side, list(range(info.total)))
