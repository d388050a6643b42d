"""Waiting for the vectors that a question needs: a new workspace is still filling."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

from workbench.api import Workbench
from workbench.cli.following import JobFailed, follow
from workbench.cli.output import say

__all__ = ["prepare"]


def prepare(bench: Workbench, args: Namespace, enough: Callable[[], bool]) -> None:
    """Wait for the jobs that bring the vectors, and say which one failed."""
    jobs = () if enough() else bench.preparing(args.dataset, args.model)
    if jobs:
        say("Preparing the workspace; the answer follows.")
    ended = follow(bench, jobs, args, enough=enough)
    failed = [job for job in ended if job.state not in ("done", "running", "queued")]
    if failed and not enough():
        job = failed[0]
        raise JobFailed(
            f"job {job.id} ({job.title})",
            expected="done",
            got=job.state + (f" ({job.error.rstrip('.')})" if job.error else ""),
            do=f"See `workbench jobs log {job.id}`, then `workbench jobs retry {job.id}`.",
        )
