"""`workbench worker`: the process that holds the models."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import Any

from workbench.cli.options import Commands, command, group, opened
from workbench.cli.output import human_bytes, jsonable, show, table

__all__ = ["add"]

_EXAMPLES = """\
  workbench worker
  workbench worker run --device cuda
  workbench worker status --json
  workbench worker stop

the app and this command line start one when it is needed; run one by hand to see what it says,
to choose the device, or to keep it after the app has closed. Ctrl-C ends it: its job returns to
the queue."""


def add(commands: Commands) -> None:
    """Add the command group."""
    parser, actions = group(commands, "worker", "Run, show and stop the worker.", _EXAMPLES)
    parser.set_defaults(run=run_run, device="auto", exit_when_idle=None)
    sub = command(actions, "run", "Run a worker in this terminal.", _EXAMPLES, json=False)
    sub.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    sub.add_argument(
        "--exit-when-idle", type=float, metavar="SECONDS", help="default: stay until stopped"
    )
    sub.set_defaults(run=run_run)
    command(actions, "status", "Show the workers that are alive.", _EXAMPLES).set_defaults(
        run=run_status
    )
    command(actions, "stop", "Stop the workers of this machine.", _EXAMPLES).set_defaults(
        run=run_stop
    )


def run_run(args: Namespace) -> int:
    """Become the worker: this process is replaced, so that torch never enters the command line."""
    with opened(args) as bench:
        root = bench.root
    words = [sys.executable, "-m", "workbench.worker", "--workspace", str(root)]
    words += ["--device", args.device]
    if args.exit_when_idle is not None:
        words += ["--exit-when-idle", str(args.exit_when_idle)]
    sys.stdout.flush()
    os.execv(sys.executable, words)  # noqa: S606  no shell is wanted


def run_status(args: Namespace) -> int:
    """Show the workers; their token is left out."""
    with opened(args) as bench:
        found: list[dict[str, Any]] = [jsonable(info) for info in bench.workers()]
    for info in found:
        info.pop("token")
    rows = [
        {
            **info,
            "memory": f"{human_bytes(info['memory_used'])} of {human_bytes(info['memory_total'])}",
        }
        for info in found
    ]
    names = ["pid", "device", "precision", "gpu_present", "memory", "job", "models", "address"]
    show(args, found, table(rows, names) if rows else "No worker is alive.")
    return 0


def run_stop(args: Namespace) -> int:
    """Stop the workers."""
    with opened(args) as bench:
        count = bench.stop_worker()
    show(args, {"stopped": count}, f"{count} stopped")
    return 0
