"""`workbench jobs`: what the worker does, did and will do."""

from __future__ import annotations

import argparse
from argparse import Namespace

from workbench.api import FINAL
from workbench.cli.following import add_waiting, bar, follow, outcome
from workbench.cli.options import Commands, command, group, opened
from workbench.cli.output import human_time, show, table
from workbench.types import JobInfo

__all__ = ["add"]

_EXAMPLES = """\
  workbench jobs
  workbench jobs --state failed --state refused
  workbench jobs list --limit 100 --json
  workbench jobs show 12
  workbench jobs wait 12
  workbench jobs log 12 --tail 50
  workbench jobs cancel 12
  workbench jobs retry 12

a cancelled or failed job that is retried goes on after its last finished part."""

_STATES = ("queued", "running", "done", "failed", "cancelled", "refused")


def add(commands: Commands) -> None:
    """Add the command group."""
    parser, actions = group(commands, "jobs", "List, watch, cancel and retry jobs.", _EXAMPLES)
    parser.set_defaults(run=run_list, state=None, limit=20)
    listing = command(actions, "list", "List jobs, the newest first.", _EXAMPLES)
    listing.set_defaults(run=run_list)
    for lister in (parser, listing):  # `workbench jobs` alone lists too
        lister.add_argument(
            "--state",
            choices=_STATES,
            action="append",
            default=argparse.SUPPRESS,
            help="only these; repeatable",
        )
        lister.add_argument("--limit", type=int, default=argparse.SUPPRESS, help="default 20")
    for name, summary, run in (
        ("show", "Show one job.", run_show),
        ("cancel", "Ask a job to stop.", run_cancel),
        ("retry", "Queue a failed or cancelled job again.", run_retry),
        ("log", "Print the end of a job's log.", run_log),
        ("wait", "Wait until a job has ended.", run_wait),
    ):
        sub = command(actions, name, summary, _EXAMPLES)
        sub.add_argument("id", type=int, metavar="ID")
        sub.set_defaults(run=run)
        if name == "log":
            sub.add_argument("--tail", type=int, default=200, help="lines (default 200)")
        if name in ("retry", "wait"):
            add_waiting(sub)


def run_list(args: Namespace) -> int:
    """List jobs."""
    with opened(args) as bench:
        found = bench.jobs(args.state, limit=args.limit)
    rows = [{**vars(job), "progress": f"{job.done:,}/{job.total:,} {job.unit}"} for job in found]
    names = ["id", "kind", "state", "progress", "title", "message"]
    show(args, found, table(rows, names) if rows else "No job.")
    return 0


def run_show(args: Namespace) -> int:
    """Show one job."""
    with opened(args) as bench:
        job = bench.job(args.id)
    show(args, job, _lines(job))
    return 0


def _lines(job: JobInfo) -> list[str]:
    lines = [bar(job), f"state: {job.state}, attempt {job.attempts}"]
    if job.device:
        lines.append(f"device: {job.device}")
    if job.started and job.finished:
        lines.append(f"took {human_time(job.finished - job.started)}")
    lines += [f"{name}: {value}" for name, value in job.params.items()]
    lines += [text for text in (job.message, job.error) if text]
    return [*lines, f"log: `workbench jobs log {job.id}`"]


def run_cancel(args: Namespace) -> int:
    """Cancel a job."""
    with opened(args) as bench:
        job = bench.cancel(args.id)
    asked = "is being cancelled" if job.state == "running" else f"is {job.state}"
    show(args, job, f"job {job.id} {asked}")
    return 0


def run_retry(args: Namespace) -> int:
    """Queue again and wait."""
    with opened(args) as bench:
        (job,) = follow(bench, [bench.retry(args.id)], args)
    show(args, job, f"job {job.id} is {job.state}")
    return outcome([job], finished=job.state in FINAL)


def run_wait(args: Namespace) -> int:
    """Wait for a job that is on its way."""
    with opened(args) as bench:
        (job,) = follow(bench, [bench.job(args.id)], args)
    show(args, job, f"job {job.id} is {job.state}")
    return outcome([job], finished=job.state in FINAL)


def run_log(args: Namespace) -> int:
    """Print a log."""
    with opened(args) as bench:
        text = bench.job_log(args.id, tail=args.tail)
    show(args, {"id": args.id, "log": text}, text or "No log yet.")
    return 0
