"""``python -m workbench.worker``: run one worker until it is stopped or has nothing to do."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from store.workspace import Workspace
from workbench.errors import WorkbenchError
from workbench.settings import default_workspace, offline
from workbench.worker.logs import worker_log
from workbench.worker.loop import Worker

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run a worker; return the exit code: 0 when it ended in order, 2 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m workbench.worker", description=__doc__)
    parser.add_argument("--workspace", type=Path, default=default_workspace())
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--exit-when-idle",
        type=float,
        metavar="SECONDS",
        help="leave after so long without a job, a call or an app",
    )
    options = parser.parse_args(arguments)
    # Threads that spin while they wait for one another starve on a machine that is busy with other
    # work (measured: a quarter of the images a second); sleeping costs nothing on a free one.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _set_environment()
    try:
        with Workspace.open(options.workspace) as workspace:
            worker = Worker(workspace, device=options.device, idle_seconds=options.exit_when_idle)
            worker_log(workspace.root / "logs", worker.id, console=sys.stderr.isatty())
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: worker.stop())
            worker.run()
    except WorkbenchError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _set_environment() -> None:
    """What libraries read when they are imported."""
    if offline():
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    # cores that wait for each other sleep: where they spin instead, a machine that does other
    # work too was measured to compute ten times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


if __name__ == "__main__":
    # threads of libraries (gRPC, OpenMP) may outlive their owners; everything is on disk by now
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
