"""Which datasets, models, vectors and indexes the workspace holds."""

from __future__ import annotations

from workbench.api.opened import Opened
from workbench.types import DatasetInfo, IndexInfo, ModelInfo, VectorsInfo

__all__ = ["Catalogue"]


class Catalogue(Opened):
    """Names and counts; changes of them."""

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """Every dataset, by name."""
        return self.workspace.catalog.datasets()

    def dataset(self, name: str) -> DatasetInfo:
        """One dataset.

        Raises:
            UnknownName: no dataset has this name; the message lists near misses.
        """
        return self.workspace.catalog.dataset(name)

    def delete_dataset(self, name: str) -> None:
        """Take a dataset out of the catalog, with its vectors and indexes.

        Its files stay on disk as orphans until ``gc``. The images it was imported from are
        never touched; notes and tags come back when the same items are imported again. The
        sample world does not come back once one of its datasets was deleted. Jobs on the dataset
        are cancelled.
        """
        from workbench.api.sample import SAMPLE_DATASETS, SETTING

        self.workspace.catalog.dataset(name)
        for job in self.workspace.jobs.list(("queued", "running"), limit=10_000):
            if job.params.get("dataset") == name:
                self.workspace.jobs.cancel(job.id)
        self.workspace.catalog.delete_dataset(name)
        if name in SAMPLE_DATASETS:
            self.set_setting(SETTING, "removed")

    def models(self) -> tuple[ModelInfo, ...]:
        """Every registered model, by name."""
        return self.workspace.catalog.models()

    def model(self, name: str) -> ModelInfo:
        """One model by its name or key.

        Raises:
            UnknownName: no model is registered under this name.
        """
        return self.workspace.catalog.model(name)

    def register_model(
        self, name: str, arch: str, weights: str, precision: str = "auto"
    ) -> ModelInfo:
        """Register an open_clip model so that it can embed and answer; the worker reads it.

        Args:
            name: what to call it here, unique in the workspace.
            arch: open_clip architecture, e.g. ``ViT-B-32``; may be empty for a bundle folder or
                an ``hf-hub:`` name, which state it themselves.
            weights: a pretrained tag of ``known_models``, ``hf-hub:ORG/NAME``, the path of a
                ``.safetensors`` or ``.pt`` file or of a bundle folder, or ``random:SEED``.
            precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.

        Raises:
            MissingWeights: the weights are not on this machine and cannot be downloaded; the
                message names the file and the place for it.
            WorkerError: no worker answers.
        """
        return self._worker_client().register_model(arch, weights, name=name, precision=precision)

    def known_models(self) -> list[tuple[str, str]]:
        """(architecture, pretrained tag) of everything open_clip knows; asks the worker."""
        return [(arch, tag) for arch, tag in self._worker_client().known_models()]

    def remove_model(self, name: str) -> None:
        """Take a model and its vectors out of the catalog; files stay until ``gc``."""
        self.workspace.catalog.remove_model(name)

    def vectors(self) -> tuple[VectorsInfo, ...]:
        """How far each dataset x model x side is embedded."""
        return self.workspace.vectors.all()

    def indexes(self) -> tuple[IndexInfo, ...]:
        """Every index: its kind, why that kind, and what it covers."""
        return self.workspace.indexes.all()
