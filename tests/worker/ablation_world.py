"""A LIMoE of random weights over pictures with captions, evaluated; and ablations of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.worker import routing_world
from workbench.api import Workbench
from workbench.types import JobInfo
from workbench.worker import ablation_job, embed_job, zero_shot_job
from workbench.worker.control import Control
from workbench.worker.models import Models


def fill(bench: Workbench, folder: Path, bundle: Path, count: int = 40) -> Models:
    """Dataset ``d`` and the model ``experts``."""
    routing_world.fill(bench, folder, count)
    return routing_world.with_model(bench, bundle)


def run(bench: Workbench, models: Models, job: JobInfo, control: Control | None = None) -> Any:
    """Run one job of any kind that is needed here; its result."""
    jobs = bench.workspace.jobs
    claimed = jobs.claim("w")
    assert claimed is not None and claimed.id == job.id
    control = control or Control(claimed, bench.workspace, "w", models=models)
    runner = {"embed": embed_job, "evaluate-zero-shot": zero_shot_job}.get(job.kind, ablation_job)
    try:
        result = runner.run(claimed, bench.workspace, control)
    except Exception:
        jobs.release(job.id, "w")
        raise
    jobs.finish(job.id, "w", dict(result))
    return result


def evaluate(bench: Workbench, models: Models) -> str:
    """Embed the dataset and evaluate it zero-shot; the run's key."""
    params = {"dataset": "d", "model": "experts", "sides": ["image", "caption"]}
    run(bench, models, bench.workspace.jobs.submit("embed", params, title="embed"))
    return str(run(bench, models, bench.submit_zero_shot("d", "experts"))["run"])


def ablate(bench: Workbench, models: Models, off: Any, **asked: Any) -> str:
    """Switch experts off; key of the ablation."""
    job = bench.submit_ablation("d", "experts", off, **asked)
    return str(run(bench, models, job)["run"])
