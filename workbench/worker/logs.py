"""The worker's log files: one of the worker, rotated, and one a job."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

__all__ = ["job_log", "worker_log"]

_FORMAT = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
_BYTES = 1_000_000
_KEPT = 10
"""Logs of earlier workers that stay."""


def worker_log(folder: Path, worker: str, *, console: bool) -> None:
    """Send this process' log to ``worker-<id>.log``; drop the logs of workers long gone.

    Args:
        folder: the workspace's ``logs``.
        worker: id of this worker.
        console: also to stderr, for a worker run by hand.
    """
    folder.mkdir(parents=True, exist_ok=True)
    older = sorted(folder.glob("worker-*-*.log*"), key=lambda path: path.stat().st_mtime)
    for path in older[:-_KEPT]:
        path.unlink(missing_ok=True)
    handlers: list[logging.Handler] = [
        RotatingFileHandler(
            folder / f"worker-{worker}.log", maxBytes=_BYTES, backupCount=1, encoding="utf-8"
        )
    ]
    handlers += [logging.StreamHandler(sys.stderr)] * console
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(_FORMAT)
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("workbench").setLevel(logging.INFO)


@contextmanager
def job_log(path: Path, job: int) -> Iterator[logging.Logger]:
    """The log of a job, appended to when the job is continued; also goes to the worker's log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(_FORMAT)
    logger = logging.getLogger(f"workbench.job.{job}")
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        handler.close()
