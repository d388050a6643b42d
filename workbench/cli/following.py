"""Waiting for jobs: a bar on stderr, and what happens when a person presses Ctrl-C."""

from __future__ import annotations

import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from workbench.api import Workbench
from workbench.cli.output import clean, human_time, say
from workbench.errors import WorkbenchError, WorkerError
from workbench.types import JobInfo

__all__ = ["Interrupted", "JobFailed", "Progress", "add_waiting", "bar", "follow", "outcome"]

_CELLS = 24
_QUIET_SECONDS = 10.0
_WATCH_SECONDS = 2.0
_ENOUGH_SECONDS = 0.3


class Interrupted(Exception):
    """The person pressed Ctrl-C while waiting; what became of the jobs was already said."""


class JobFailed(WorkbenchError):
    """A job that the answer needs did not end well."""


def add_waiting(parser: ArgumentParser) -> None:
    """The options of every command that waits for a job."""
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="queue the job and return at once; the worker does it",
    )
    parser.add_argument(
        "--cancel-on-interrupt",
        action="store_true",
        help="Ctrl-C cancels the job (without this it goes on in the worker)",
    )


def bar(job: JobInfo, width: int = _CELLS, filled: str = "#", empty: str = ".") -> str:
    """One line on a job: title, bar, counts, rate and time left."""
    share = min(1.0, job.done / job.total) if job.total else 0.0
    cells = round(share * width)
    parts = [f"{job.title}  [{filled * cells}{empty * (width - cells)}]"]
    counts = f"{job.done:,} of {job.total:,}" if job.total else f"{job.done:,}"
    parts.append(f"{counts} {job.unit}")
    if job.rate > 0 and job.state == "running":
        parts.append(f"{job.rate:,.1f}/s")
    if job.remaining_seconds is not None:
        parts.append(f"{human_time(job.remaining_seconds)} left")
    if job.state != "running":
        parts.append(job.state)
    return clean("  ".join(parts))


class Progress:
    """Draws jobs on stderr: one moving line on a terminal, a line now and then in a log file."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = 0
        self._last = ""
        self._time = float("-inf")
        try:
            "█░".encode(sys.stderr.encoding or "ascii")
            self._cells = ("█", "░")
        except UnicodeEncodeError:
            self._cells = ("#", ".")

    def __call__(self, job: JobInfo) -> None:
        """Draw a job's present state."""
        line = bar(job, filled=self._cells[0], empty=self._cells[1])
        if self._terminal:
            line = line[: shutil.get_terminal_size((120, 24)).columns - 1]
            sys.stderr.write("\r" + line + " " * max(0, self._shown - len(line)))
            sys.stderr.flush()
            self._shown = len(line)
        elif job.state == "running" and time.monotonic() - self._time > _QUIET_SECONDS:
            self._time = time.monotonic()
            say(line)
        self._last = line

    def end(self) -> None:
        """Finish a job's line, so that the next output starts on a fresh one."""
        if self._terminal and self._shown:
            sys.stderr.write("\n")
            sys.stderr.flush()
        elif self._last:
            say(self._last)
        self._shown, self._last, self._time = 0, "", float("-inf")


def follow(
    bench: Workbench,
    jobs: Sequence[JobInfo],
    args: Namespace,
    *,
    enough: Callable[[], bool] | None = None,
) -> tuple[JobInfo, ...]:
    """Wait for jobs, one after the other, with a worker that is restarted when it goes.

    Args:
        bench: the open workspace.
        jobs: what to wait for, in the order they will run.
        args: the command's options; ``--no-wait`` and ``--cancel-on-interrupt`` are read.
        enough: stops waiting early when it says True; asked three times a second.

    Returns:
        the jobs as they ended; as they are now under ``--no-wait``.

    Raises:
        Interrupted: Ctrl-C; the message on stderr says whether the jobs go on.
        WorkerError: no worker comes up.
    """
    if getattr(args, "no_wait", False):
        bench.ensure_worker()
        return tuple(jobs)
    stop = getattr(args, "cancel_on_interrupt", False)
    progress = Progress()
    try:
        return tuple(_wait(bench, job, progress, enough) for job in jobs)
    except KeyboardInterrupt:
        progress.end()
        _explain(bench, jobs, stop)
        raise Interrupted from None


def _wait(
    bench: Workbench, job: JobInfo, progress: Progress, enough: Callable[[], bool] | None
) -> JobInfo:
    slice_seconds = _WATCH_SECONDS if enough is None else _ENOUGH_SECONDS
    while not (enough and enough()):
        bench.wait_worker()
        try:
            job = bench.wait(job.id, progress, timeout=slice_seconds)
        except WorkerError:
            continue  # not yet; look whether the worker still lives
        break
    progress.end()
    return bench.job(job.id)


def _explain(bench: Workbench, jobs: Sequence[JobInfo], stop: bool) -> None:
    """Say what Ctrl-C did, and do it."""
    for job in map(bench.job, [job.id for job in jobs]):
        if job.state not in ("queued", "running"):
            continue
        if stop:
            bench.cancel(job.id)
            say(
                f"Job {job.id} ({job.title}) is being cancelled; `workbench jobs retry {job.id}` "
                "continues it after its last finished part."
            )
        else:
            say(
                f"Job {job.id} ({job.title}) goes on in the worker. Watch it with "
                f"`workbench jobs show {job.id}`, stop it with `workbench jobs cancel {job.id}`."
            )


def outcome(jobs: Sequence[JobInfo], *, finished: bool = True) -> int:
    """Exit status for jobs: 1 when one ended badly (its error goes to stderr), else 0.

    Args:
        jobs: as they ended.
        finished: False when they were only queued, which is no failure.
    """
    bad = [job for job in jobs if job.state != "done"] if finished else []
    for job in bad:
        say(f"Job {job.id} ({job.title}) is {job.state}. {job.error}".rstrip())
        say(f"See `workbench jobs log {job.id}`; `workbench jobs retry {job.id}` tries again.")
    return 1 if bad else 0
