"""Imports, jobs and the worker that does them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.api.opened import Opened
from workbench.errors import WorkerError
from workbench.types import JobInfo, JobState, Preview, Side, WorkerInfo

if TYPE_CHECKING:
    from store.uploads import Uploaded

__all__ = ["FINAL", "SIDES", "Work"]

FINAL: tuple[JobState, ...] = ("done", "failed", "cancelled", "refused")
"""States that a job does not leave by itself."""

_LOOK_SECONDS = 5.0
"""How often a wait looks whether a worker still lives."""

SIDES: tuple[Side, ...] = ("image", "caption")
"""Both sides of a dataset, images first."""


class Work(Opened):
    """Long work: submitted here, done by the worker, watched from everywhere."""

    def keep_uploads(self, files: Sequence[Uploaded]) -> Path:
        """Keep uploaded files in the workspace; the folder is the path of an import.

        Raises:
            DiskFull: no room left.
        """
        from store import uploads

        return uploads.keep(self.root, files)

    def kept_upload(self, place: str) -> Path | None:
        """A kept file by its folder's name and its own, ``<digest>/<name>``; None for none such."""
        from store import uploads

        return uploads.find(self.root, place)

    def preview(
        self, path: str | Path, importer: str | None = None, limit: int = 20, **options: Any
    ) -> Preview:
        """What an import of this path would bring: first records, columns, counts.

        Args:
            path: a folder, file, or shard pattern on this machine.
            importer: key of an importer; recognised from the content when None.
            limit: how many records to show.
            options: of the importer, as for ``submit_import``.

        Raises:
            InputError: nothing is there, or no importer knows the format.
        """
        from workbench.importers.register import check_options, find

        source = Path(path).expanduser().absolute()
        found = find(source, importer)
        check_options(found, options)
        return found.preview(source, limit, **options)

    def submit_import(
        self, path: str | Path, dataset: str, importer: str | None = None, **options: Any
    ) -> JobInfo:
        """Queue an import; importing the same source again adds only what is new.

        Args:
            path: a folder, file, or shard pattern on this machine.
            dataset: its name here: letters, digits, ``.``, ``_``, ``-``; at most 64.
            importer: key of an importer; recognised from the content when None.
            options: of the importer, e.g. ``image_column`` for a table.

        Raises:
            InputError: nothing is there, no importer knows it, or the name cannot be used.
        """
        from store.names import check_name
        from workbench.importers.register import check_options, find

        check_name("dataset", dataset)
        source = Path(path).expanduser().absolute()
        found = find(source, importer)
        check_options(found, options)
        params = {
            "path": str(source),
            "dataset": dataset,
            "importer": found.key,
            "options": options,
        }
        title = f"Import {source.name} as {dataset}"
        return self.workspace.jobs.submit("import", params, title=title, unit="items")

    def submit_embed(
        self, dataset: str, model: str, sides: Sequence[Side] | None = None
    ) -> JobInfo:
        """Queue the embedding of a dataset with a model, and its index jobs after it.

        Args:
            dataset: whose images and captions.
            model: name or key of a registered model.
            sides: ``image``, ``caption`` or both; None takes those that the dataset has.

        Raises:
            UnknownName: no such dataset or model.
        """
        info = self.workspace.catalog.dataset(dataset)
        name = self.workspace.catalog.model(model).name
        chosen = list(sides or [side for side in SIDES if side == "image" or info.captions])
        return self._queue_embed(dataset, name, chosen)[0]

    def _queue_embed(
        self,
        dataset: str,
        model: str,
        sides: Sequence[Side],
        *,
        priority: int = 0,
        after: Sequence[int] = (),
    ) -> list[JobInfo]:
        """The embed job and the index jobs that wait for it; names need not exist yet."""
        params = {"dataset": dataset, "model": model, "sides": list(sides)}
        title = f"Embed {dataset} with {model}"
        embed = self.workspace.jobs.submit(
            "embed", params, title=title, unit="items", priority=priority, after=after
        )
        indexes = [
            self.submit_index(dataset, model, side, priority=priority, after=(embed.id,))
            for side in sides
        ]
        return [embed, *indexes]

    def submit_index(
        self,
        dataset: str,
        model: str,
        side: Side = "image",
        *,
        priority: int = 0,
        after: Sequence[int] = (),
    ) -> JobInfo:
        """Queue the building of a search index; searching works without one, only slower."""
        params = {"dataset": dataset, "model": model, "side": side}
        title = f"Index {side}s of {dataset} by {model}"
        return self.workspace.jobs.submit(
            "index", params, title=title, unit="vectors", priority=priority, after=after
        )

    def queue_register(
        self, name: str, arch: str, weights: str, priority: int = 0, precision: str = "auto"
    ) -> JobInfo:
        """Queue the registration of a model, as ``register_model`` does at once."""
        params = {"name": name, "arch": arch, "weights": weights, "precision": precision}
        return self.workspace.jobs.submit(
            "register",
            params,
            title=f"Register the model {name}",
            unit="models",
            total=1,
            priority=priority,
        )

    def jobs(
        self, states: Sequence[JobState] | None = None, limit: int = 100
    ) -> tuple[JobInfo, ...]:
        """The newest jobs first, in the given states."""
        return self.workspace.jobs.list(states, limit=limit)

    def jobs_version(self) -> int:
        """A number that changes when any job does: cheap to poll."""
        return self.workspace.jobs.version()

    def job(self, id: int) -> JobInfo:
        """One job.

        Raises:
            UnknownName: no job has this number.
        """
        return self.workspace.jobs.get(id)

    def cancel(self, id: int) -> JobInfo:
        """Ask a job to stop: at once when queued, within two seconds when running.

        What it has published stays; ``retry`` goes on from there.
        """
        self.workspace.jobs.cancel(id)
        return self.job(id)

    def retry(self, id: int) -> JobInfo:
        """Queue a failed or cancelled job again; it goes on after its last published part."""
        self.workspace.jobs.retry(id)
        return self.job(id)

    def wait(
        self,
        id: int,
        on_progress: Callable[[JobInfo], None] | None = None,
        timeout: float | None = None,
    ) -> JobInfo:
        """Wait until a job has ended, in whatever state; starts a worker when none is alive.

        Args:
            id: number of the job.
            on_progress: called with the job each time it has changed.
            timeout: seconds; None waits for ever.

        Raises:
            WorkerError: the time is over; the job goes on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        version: int | None = None
        looked = float("-inf")
        while True:
            job = self.job(id)
            if job.state not in FINAL and time.monotonic() - looked > _LOOK_SECONDS:
                looked = time.monotonic()
                self.ensure_worker()
            if on_progress is not None and (now := self.jobs_version()) != version:
                version = now
                on_progress(job)
            if job.state in FINAL:
                return job
            if deadline is not None and time.monotonic() > deadline:
                raise WorkerError(
                    f"job {id} ({job.title})",
                    expected=f"an end within {timeout:g} s",
                    got=f"{job.state} at {job.done} of {job.total} {job.unit}",
                    do="It goes on; wait longer, or see `workbench jobs show`.",
                )
            time.sleep(0.1)

    def job_log(self, id: int, tail: int = 200) -> str:
        """The last lines of a job's log; empty when it has none yet."""
        job = self.job(id)
        path = self.root / job.log if job.log else None
        if path is None or not path.is_file():
            return ""
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-tail:])

    def workers(self) -> tuple[WorkerInfo, ...]:
        """The workers that are alive."""
        return self.workspace.workers.alive()

    def ensure_worker(self) -> WorkerInfo | None:
        """Start a worker when none is alive; None while it is still starting."""
        from workbench.worker.supervisor import ensure

        return ensure(self.workspace)

    def wait_worker(self, timeout: float = 120.0) -> WorkerInfo:
        """Start a worker when none is alive, and wait until one answers.

        Raises:
            WorkerError: none came up in time; the message holds the end of its log.
        """
        from workbench.worker.supervisor import wait_ready

        return wait_ready(self.workspace, timeout)

    def stop_worker(self) -> int:
        """Stop every worker on this machine and return how many; jobs return to the queue."""
        from workbench.worker.supervisor import stop

        return stop(self.workspace)
