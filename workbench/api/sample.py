"""The sample world: a small collection and two small models that every new workspace shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.api.catalogue import Catalogue
from workbench.api.work import FINAL, Work
from workbench.types import JobInfo, Side
from workbench.worker import (
    ablation_question,
    corpora,
    count_question,
    modality_question,
    routing_question,
)
from workbench.worker.zero_shot_question import KIND

__all__ = ["SAMPLE_DATASETS", "SAMPLE_EXPERTS", "SAMPLE_MODELS", "SETTING", "Sample"]

SAMPLE_DATASETS = ("test", "scenes")
SAMPLE_MODELS = ("glyph-clip", "glyph-siglip")
SAMPLE_EXPERTS = (
    "glyph-limoe",
    "glyph-limoe-classic",
    "glyph-limoe-bias",
    "glyph-limoe-classic-bias",
)
"""Mixtures of experts, trained with the paper's losses and with classic ones, without and with a
learned modality bias; what is shown first of them is their routing over the scenes."""

SAMPLE_OFF: dict[str, Any] = {"off": {"1": [1, 3, 4]}, "every": True, "limit": 250}
"""Which experts of the first mixture are switched off to begin with: three that images share."""

SETTING = "sample"
"""``filling`` while its jobs are being queued, the job numbers once they are, ``removed`` for ever
after a person deleted a part of it; absent in a workspace that never had it."""

_FIRST, _EMBED = 30, 20
"""Priorities: both imports, then the first model, then the second."""

_TEST, _SCENES = SAMPLE_DATASETS
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

        shards = dict(zip(SAMPLE_DATASETS, (test_shards(), scenes_shards()), strict=True))
        if not any(shards.values()):
            return []  # the sample was not checked out: nothing to add, now or later
        models = [name for name in SAMPLE_MODELS if (models_dir() / name).is_dir()]
        self.set_setting(SETTING, "filling")
        self.ensure_worker()  # it loads its libraries while the jobs are queued and imported
        imports = {
            name: self._import_sample(name, found[0].parent, _FIRST - order)
            for order, (name, found) in enumerate(shards.items())
            if found
        }
        queued = list(imports.values())
        for order, model in enumerate(models):
            priority = _EMBED - order * (_EMBED // 2)
            register = self.queue_register(model, "", str(models_dir() / model), priority + 1)
            queued.append(register)
            for dataset, brought in imports.items():
                after = (brought.id, register.id)
                embedding = self._queue_embed(
                    dataset, model, ("image", "caption"), priority=priority, after=after
                )
                queued += embedding
                if dataset == "test" and order == 0:
                    queued.append(self._evaluate_sample(dataset, model, embedding[0]))
        queued += self._count_sample()
        queued += self._sample_experts(models_dir(), imports)
        numbers = [job.id for job in queued]
        self.set_setting(SETTING, numbers)
        return numbers

    def _import_sample(self, dataset: str, folder: Path, priority: int) -> JobInfo:
        params: dict[str, Any] = {
            "path": str(folder),
            "dataset": dataset,
            "importer": None,
            "options": {},
        }
        return self.workspace.jobs.submit(
            "import", params, title=_TITLES[dataset], unit="items", priority=priority
        )

    def _evaluate_sample(
        self, dataset: str, model: str, after: JobInfo, priority: int = 1
    ) -> JobInfo:
        """The first zero-shot run, so that every page has something to show."""
        params = {"ask": {"dataset": dataset, "model": model}}
        return self.workspace.jobs.submit(
            KIND,
            params,
            title=f"Evaluate {model} on {dataset}",
            unit="images",
            priority=priority,
            after=(after.id,),
        )

    def _count_sample(self) -> list[JobInfo]:
        """How often each concept is named in the captions that the models were trained on."""
        if corpora.SAMPLE not in {each.name for each in corpora.corpora(self.workspace)}:
            return []
        params = count_question.question(self.workspace, corpora.SAMPLE)
        title = count_question.titled(self.workspace, params)
        return [
            self.workspace.jobs.submit(
                count_question.KIND, params, title=title, unit="captions", priority=1
            )
        ]

    def sample_experts(self) -> tuple[str, ...]:
        """The sample's mixtures of experts that are on this machine and not registered here."""
        from sample_data import models_dir

        known = {card.name for card in self.models()}
        return tuple(
            name for name in SAMPLE_EXPERTS if name not in known and (models_dir() / name).is_dir()
        )

    def queue_sample_experts(self) -> tuple[JobInfo, ...]:
        """Queue the registration of ``sample_experts`` and what is shown of them.

        What the first start does, for a workspace that is older than these models. Recordings
        need the sample's scenes, and the evaluation its test images.
        """
        from sample_data import models_dir

        there = {info.name for info in self.datasets()} & set(SAMPLE_DATASETS)
        return tuple(self._sample_experts(models_dir(), dict.fromkeys(there)))

    def _sample_experts(self, models: Path, imports: Mapping[str, JobInfo | None]) -> list[JobInfo]:
        """Register mixtures, record their routing over the scenes, and evaluate the first.

        Args:
            models: folder that holds them.
            imports: the sample's datasets, and the import that brings each; None once it is there.
        """
        waits = {name: () if job is None else (job.id,) for name, job in imports.items()}
        queued: list[JobInfo] = []
        brought = {}
        for name in reversed(self.sample_experts()):  # pages show the newest recording first
            brought[name] = self.queue_register(name, "", str(models / name))
            queued.append(brought[name])
            if _SCENES in imports:
                after = (brought[name].id, *waits[_SCENES])
                queued.append(self._record_sample(_SCENES, name, after))
        for name in SAMPLE_EXPERTS[:1]:
            if name in brought and _TEST in imports:  # what its experts are worth to it
                after = (brought[name].id, *waits[_TEST])
                queued += self._queue_embed(_TEST, name, ("image",), after=after)
                queued.append(self._evaluate_sample(_TEST, name, queued[-2], priority=0))
                if _SCENES in imports:
                    queued += self._measure_sample(_SCENES, name, queued[-1])
        return queued

    def _measure_sample(self, dataset: str, model: str, run: JobInfo) -> list[JobInfo]:
        """What breaks without some of the experts, and how far a model holds modalities apart."""
        off = {"ask": {"dataset": dataset, "model": model, **SAMPLE_OFF}}
        gap = {"ask": {"dataset": dataset, "model": model, "pairs": 500, "seed": 0}}
        submit = self.workspace.jobs.submit
        asked = ((ablation_question.KIND, off, "images"), (modality_question.KIND, gap, "pairs"))
        titles = (f"Switch experts of {model} off", f"Modality gap of {model} on {dataset}")
        return [
            submit(kind, params, title=title, unit=unit, after=(run.id,))
            for (kind, params, unit), title in zip(asked, titles, strict=True)
        ]

    def _record_sample(self, dataset: str, model: str, after: Sequence[int]) -> JobInfo:
        """What the model's routers decide; asked for by names, which need not be there yet."""
        return self.workspace.jobs.submit(
            routing_question.KIND,
            {"ask": {"dataset": dataset, "model": model}},
            title=f"Record routing of {model} on {dataset}",
            unit="items",
            after=after,
        )

    def embedded(self, dataset: str, model: str, side: Side = "image") -> float:
        """Share of a dataset's images (or captions) that have a vector, in [0, 1].

        0 while the dataset or model does not exist; below 1 while an import may add more.
        """
        names = {info.name for info in self.datasets()}
        keys = {name: card.key for card in self.models() for name in (card.key, card.name)}
        if dataset not in names or model not in keys:
            return 0.0
        info = self.workspace.vectors.info(dataset, keys[model], side)
        growing = any(
            job.kind == "import" and job.params["dataset"] == dataset
            for job in self.jobs(("queued", "running"), limit=1000)
        )
        return info.done / max(1, info.total + growing)

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
