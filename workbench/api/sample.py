"""The sample world: a small collection and two small models that every new workspace shows."""

from __future__ import annotations

from typing import Any

from workbench.api.catalogue import Catalogue
from workbench.api.work import FINAL, Work
from workbench.types import JobInfo

__all__ = ["SAMPLE_DATASETS", "SAMPLE_MODELS", "SETTING", "Sample"]

SAMPLE_DATASETS = ("test", "scenes")
SAMPLE_MODELS = ("glyph-clip", "glyph-siglip")
SETTING = "sample"
"""``filling`` while its jobs are being queued, the job numbers once they are, ``removed`` for ever
after a person deleted a part of it; absent in a workspace that never had it."""

_TITLES = {"test": "Import the sample test images", "scenes": "Import the sample scenes"}


class Sample(Catalogue, Work):
    """Filling a new workspace."""

    def ensure_sample(self) -> tuple[JobInfo, ...]:
        """Queue what the sample world still lacks, and start the worker for it.

        Only a workspace that holds no dataset gets it, once; calling again changes nothing, and
        a person who deleted it does not get it back.

        Returns:
            The sample's jobs that have not ended, in the order they will run; empty when all is
            there. ``test`` under ``glyph-clip`` becomes searchable first.
        """
        state = self.setting(SETTING)
        if state is None and self.datasets():
            return ()
        if state == "removed":
            return ()
        if state is None or state == "filling":
            state = self._fill()
        waiting = tuple(job for job in map(self.job, state) if job.state not in FINAL)
        if waiting:
            self.ensure_worker()
        return waiting

    def _fill(self) -> list[int]:
        """Queue every job of the sample, first things first; equal jobs are not queued twice."""
        from sample_data import models_dir, scenes_shards, test_shards

        self.set_setting(SETTING, "filling")
        self.ensure_worker()
        shards = {"test": test_shards(), "scenes": scenes_shards()}
        queued: list[JobInfo] = []
        imports: dict[str, JobInfo] = {}
        for priority, model in ((20, SAMPLE_MODELS[0]), (0, SAMPLE_MODELS[1])):
            register = self.workspace.jobs.submit(
                "register",
                {"name": model, "arch": "", "weights": str(models_dir() / model)},
                title=f"Register the sample model {model}",
                priority=priority + 9,
                unit="models",
                total=1,
            )
            queued.append(register)
            for nth, dataset in enumerate(SAMPLE_DATASETS):
                if dataset not in imports:
                    imports[dataset] = self._import_sample(dataset, shards[dataset], 30 - nth)
                    queued.append(imports[dataset])
                after = (imports[dataset].id, register.id)
                queued.append(
                    self._queue_embed(
                        dataset, model, ("image", "caption"), priority=priority, after=after
                    )
                )
        numbers = [job.id for job in queued]
        self.set_setting(SETTING, numbers)
        return numbers

    def _import_sample(self, dataset: str, shards: object, priority: int) -> JobInfo:
        params: dict[str, Any] = {
            "path": str(shards),
            "dataset": dataset,
            "importer": None,
            "options": {},
        }
        return self.workspace.jobs.submit(
            "import", params, title=_TITLES[dataset], unit="items", priority=priority
        )

    def preparing(self, dataset: str, model: str | None = None) -> tuple[JobInfo, ...]:
        """Jobs on their way that a search of this dataset (under this model) should wait for."""
        return tuple(
            job
            for job in reversed(self.jobs(("queued", "running"), limit=1000))
            if (job.kind == "import" and job.params["dataset"] == dataset)
            or (job.kind == "register" and job.params["name"] == model)
            or (
                job.kind == "embed"
                and job.params["dataset"] == dataset
                and job.params["model"] == model
            )
        )
