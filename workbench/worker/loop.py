"""The life of a worker: register, claim jobs one after the other, beat meanwhile, leave."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from store import gc
from store.jobs import Lost
from store.workspace import Workspace
from workbench.errors import Cancelled, WorkbenchError
from workbench.types import JobInfo, WorkerInfo
from workbench.worker import import_process, presence
from workbench.worker.control import Control, Interrupted, JobLost
from workbench.worker.logs import job_log
from workbench.worker.models import Models
from workbench.worker.server import Server

__all__ = ["RUNNERS", "Worker"]

RUNNERS: dict[str, str] = {
    "import": "workbench.worker.import_job",
    "register": "workbench.worker.register_job",
    "embed": "workbench.worker.embed_job",
    "index": "workbench.worker.index_job",
    "evaluate-retrieval": "workbench.worker.retrieval_job",
    "evaluate-zero-shot": "workbench.worker.zero_shot_job",
    "review": "workbench.worker.review_job",
    "count-concepts": "workbench.worker.count_job",
    "evaluate-synonyms": "workbench.worker.synonyms_job",
    "balance-corpus": "workbench.worker.balance_job",
    "record-routing": "workbench.worker.routing_job",
    "measure-modality": "workbench.worker.modality_job",
    "ablate-experts": "workbench.worker.ablation_job",
    "train-limoe": "workbench.worker.train_job",
}
"""Kind of job -> module whose ``run(job, workspace, control)`` does it and returns its result."""

_LOG = logging.getLogger("workbench.worker")
_POLL_SECONDS = 0.2
_BEAT_SECONDS = 0.5
_HOUSEKEEPING_SECONDS = 5.0
_LAST_BEAT_SECONDS = 15.0  # longer than a beat waits for a busy database
_NICENESS = 5
"""How far a job steps back behind the app and behind queries."""


class Worker:
    """One worker process of a workspace.

    Args:
        workspace: whose jobs.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        idle_seconds: leave after so long without a job, a call or a living app; None stays.
    """

    def __init__(
        self, workspace: Workspace, *, device: str = "auto", idle_seconds: float | None = None
    ) -> None:
        self.id = f"{os.getpid()}-{secrets.token_hex(3)}"
        self._workspace, self._idle_seconds = workspace, idle_seconds
        self._models = Models(workspace, device)
        self._server = Server(workspace, self._models)
        self._stop = threading.Event()
        self._over = threading.Event()
        self._control: Control | None = None
        self._started = time.time()
        self._last_work = time.monotonic()

    def run(self) -> None:
        """Work until told to stop, or until there was nothing to do for long enough."""
        gc.tidy(self._workspace)
        self._workspace.workers.register(self._info())
        heart = threading.Thread(target=self._heartbeat, name="heartbeat", daemon=True)
        threads = [
            heart,
            threading.Thread(target=self._server.serve, name="flight", daemon=True),
            threading.Thread(target=self._models.prepare, name="torch", daemon=True),
        ]
        for thread in threads:
            thread.start()
        _LOG.info("worker %s serves %s at %s", self.id, self._workspace.root, self._server.address)
        with suppress(OSError):
            os.nice(_NICENESS)  # on Linux that is this thread and those it starts: the job's
        try:
            self._work()
        finally:
            self._over.set()
            heart.join(_LAST_BEAT_SECONDS)  # a beat under way would bring the entry back
            with suppress(Exception):  # the workspace may be gone
                self._workspace.workers.remove(self.id)
            _LOG.info("worker %s ends", self.id)

    def stop(self) -> None:
        """Ask it to end: the running job returns to the queue. Safe in a signal handler."""
        self._stop.set()

    def _work(self) -> None:
        tidied = float("-inf")
        while not self._stop.is_set():
            if time.monotonic() - tidied > _HOUSEKEEPING_SECONDS:
                tidied = time.monotonic()
                if not self._workspace.database.path.exists():
                    _LOG.warning("the workspace has gone")
                    return
                self._take_back()
            job = self._workspace.jobs.claim(self.id)
            if job is not None:
                self._perform(job)
                self._last_work = time.monotonic()
            elif self._idle():
                return
            else:
                self._stop.wait(_POLL_SECONDS)

    def _take_back(self) -> None:
        """Return the jobs of dead workers to the queue: at once where the process is gone."""
        for worker in self._workspace.workers.alive():
            if worker.host == socket.gethostname() and not presence.process_lives(
                worker.pid, worker.started
            ):
                self._workspace.workers.remove(worker.id)
                self._release_jobs_of(worker.id)
        for number in self._workspace.jobs.requeue_lost():
            _LOG.warning("job %s lost its worker and is queued again", number)

    def _release_jobs_of(self, worker: str) -> None:
        """Queue again what a worker held: the jobs say so, also when it died before it could."""
        for job in self._workspace.jobs.list(["running"]):
            if job.worker == worker:
                with suppress(Lost):
                    self._workspace.jobs.release(job.id, worker)

    def _idle(self) -> bool:
        if self._idle_seconds is None or self._workspace.jobs.list(["queued", "running"], limit=1):
            return False
        latest = max(self._last_work, self._server.last_call)
        if time.monotonic() - latest < self._idle_seconds:
            return False
        return not presence.living_apps(self._workspace.root)

    def _perform(self, job: JobInfo) -> None:
        """Run one job and record what became of it."""
        jobs = self._workspace.jobs
        control = Control(job, self._workspace, self.id, stop=self._stop, models=self._models)
        with job_log(self._workspace.root / job.log, job.id) as log:
            log.info("%s (attempt %s): %s", job.title, job.attempts, dict(job.params))
            self._control = control
            try:
                result = self._runner(job)(job, self._workspace, control)
                control.beat()  # the last progress, which the next beat would have written
                jobs.finish(job.id, self.id, result)
                log.info("done: %s", result)
            except Cancelled:
                jobs.mark_cancelled(job.id, self.id)
                log.info("cancelled")
            except Interrupted:
                jobs.release(job.id, self.id)
                log.info("the worker stops; the job is queued again")
            except (JobLost, Lost) as error:
                log.warning("%s", error)
            except Exception as error:  # a broken job must not take the worker down
                self._fail(job, error, log)
            finally:
                self._control = None

    def _fail(self, job: JobInfo, error: Exception, log: logging.Logger) -> None:
        if isinstance(error, WorkbenchError):
            log.error("%s", error)
            text = str(error)
        else:
            log.exception("unexpected error")
            text = f"{type(error).__name__}: {error}. The job's log has the details."
        with suppress(Lost):
            self._workspace.jobs.fail(job.id, self.id, text)

    def _runner(self, job: JobInfo) -> Any:
        if job.kind not in RUNNERS:
            raise WorkbenchError(
                f"job of kind {job.kind!r}",
                expected=f"one of {', '.join(RUNNERS)}",
                got=repr(job.kind),
            )
        if job.kind == "import" and self._models.preparing:
            return import_process.run
        return import_module(RUNNERS[job.kind]).run

    def _heartbeat(self) -> None:
        while not self._over.wait(_BEAT_SECONDS):
            control = self._control
            try:
                self._workspace.workers.beat(self._info())
                if control is not None:
                    control.beat()
            except Exception:  # a busy or full disk: the next beat may succeed
                _LOG.warning("a heartbeat failed", exc_info=True)

    def _info(self) -> WorkerInfo:
        device, precision, used, total = self._models.status()
        control = self._control
        return WorkerInfo(
            id=self.id,
            pid=os.getpid(),
            host=socket.gethostname(),
            address=self._server.address,
            token=self._server.token,
            device=device,
            precision=precision,
            gpu_present=self._models.gpu_present,
            memory_used=used,
            memory_total=total,
            job=None if control is None else control.job.id,
            models=self._models.names(),
            started=self._started,
            heartbeat=time.time(),
        )
