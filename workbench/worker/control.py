"""What a running job may ask of its worker: report progress, learn to stop, get models."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from store.jobs import Lost
from workbench.errors import Cancelled, WorkerError

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.types import JobInfo
    from workbench.worker.models import Models

__all__ = ["BEAT_SECONDS", "Control", "Interrupted", "JobLost", "Rate"]

BEAT_SECONDS = 0.5
"""Longest time between two looks at the cancel flag while a job runs."""


class JobLost(WorkerError):
    """Another worker has this job now, because our heartbeat was late; write nothing more."""


class Interrupted(WorkerError):
    """The worker was told to stop; the job goes back to the queue and continues later."""


class Rate:
    """Units of work a second, over a sliding window.

    Args:
        window: seconds that the figure looks back.
    """

    def __init__(self, window: float = 10.0) -> None:
        self.window = window
        self._marks: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> None:
        """Note that ``done`` units are finished at time ``now`` (seconds, monotonic)."""
        if self._marks and self._marks[-1][1] == done:
            return
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] > self.window:
            self._marks.popleft()

    def value(self, now: float) -> float:
        """Units a second from the oldest mark in the window until ``now``; 0 before two marks."""
        if len(self._marks) < 2:
            return 0.0
        (first_time, first), (_, last) = self._marks[0], self._marks[-1]
        return (last - first) / max(now - first_time, 1e-3)


class Control:
    """One per running job. ``tick`` is cheap: it writes to the store at most twice a second.

    The worker's heartbeat thread calls ``beat`` meanwhile, so a job that computes for a while
    between two ticks is not taken for dead.

    Args:
        job: the claimed job.
        workspace: where its state is kept.
        worker: id of the worker that claimed it.
        stop: set when the worker shall stop (SIGTERM).
        models: the worker's loaded models; None where a job needs none (tests).
        clock: monotonic seconds.
    """

    def __init__(
        self,
        job: JobInfo,
        workspace: Workspace,
        worker: str,
        *,
        stop: threading.Event | None = None,
        models: Models | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job, self.worker = job, worker
        self.log = logging.getLogger(f"workbench.job.{job.id}")
        self._workspace, self._clock = workspace, clock
        self._stop = stop or threading.Event()
        self._models = models
        self._lock = threading.RLock()
        self._done, self._total = job.done, job.total
        self._device: str | None = None
        self._message: str | None = None
        self._rate = Rate()
        self._last_beat = float("-inf")
        self._cancelled = self._lost = False

    @property
    def models(self) -> Models:
        """The worker's loaded models.

        Raises:
            WorkerError: this job runs outside a worker.
        """
        if self._models is None:
            raise WorkerError(
                f"job {self.job.id} asks for a model", expected="a worker", got="none"
            )
        return self._models

    @property
    def stopping(self) -> bool:
        """True once the job shall end soon: cancelled, taken away, or the worker stops."""
        return self._cancelled or self._lost or self._stop.is_set()

    @property
    def rate(self) -> float:
        """Units of work a second over the last ten seconds."""
        return self._rate.value(self._clock())

    def tick(
        self,
        done: int | None = None,
        total: int | None = None,
        message: str | None = None,
        *,
        device: str | None = None,
    ) -> None:
        """Report progress and stop here if the job must stop. Call it at least once a second.

        Args:
            done: units finished in all, those of earlier attempts included.
            total: units there are.
            message: one sentence for the person.
            device: where the job computes.

        Raises:
            Cancelled: the person asked to stop.
            JobLost: another worker has the job.
            Interrupted: the worker stops; the job will continue later.
        """
        with self._lock:
            if message is not None and message != self._message:
                self.log.info("%s", message)
            self._done = self._done if done is None else done
            self._total = self._total if total is None else total
            self._message = message or self._message
            self._device = device or self._device
            self._rate.add(self._clock(), self._done)
        if self._clock() - self._last_beat >= BEAT_SECONDS:
            self.beat()
        self.check()

    def check(self) -> None:
        """Raise as ``tick`` does, without reporting anything: cheap enough for every image."""
        if self._lost:
            raise JobLost(f"job {self.job.id} was taken over by another worker")
        if self._cancelled:
            raise Cancelled(f"job {self.job.id} was cancelled")
        if self._stop.is_set():
            raise Interrupted(f"the worker stops; job {self.job.id} goes back to the queue")

    def beat(self) -> None:
        """Write progress and the heartbeat to the store, and read the cancel flag.

        Does not raise for a job that is lost: ``check`` does, in the job's own thread.
        """
        with self._lock:
            self._last_beat = self._clock()
            try:
                self._cancelled |= self._workspace.jobs.beat(
                    self.job.id,
                    self.worker,
                    done=self._done,
                    total=self._total,
                    rate=self.rate,
                    device=self._device,
                    message=self._message,
                )
            except Lost:
                self._lost = True
