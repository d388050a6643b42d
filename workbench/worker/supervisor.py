"""The app's hand on the worker: start one when none is alive, wait for it, stop it. No torch."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from store.workspace import Workspace
from workbench.errors import WorkerError
from workbench.settings import REPOSITORY
from workbench.types import WorkerInfo
from workbench.worker import presence

__all__ = ["IDLE_SECONDS", "ensure", "lock_path", "stop", "wait_ready"]

IDLE_SECONDS = 60.0
"""A worker started here ends after so long without an app and without a job."""


def lock_path(root: Path) -> Path:
    """The file that an automatically started worker keeps locked while it lives."""
    return root / "run" / "worker.lock"


def ensure(workspace: Workspace, *, device: str = "auto") -> WorkerInfo | None:
    """See to it that a worker runs; return it, or None while it is still starting.

    Never blocks: a new worker is a detached process that outlives the app until its work is
    done. Of two apps that call this at once, one worker comes out: it holds a lock for life.
    Also notes this process as an app, which keeps the worker up.

    Args:
        workspace: the workspace to work on.
        device: ``auto``, ``cpu`` or ``cuda``.
    """
    presence.announce(workspace.root)
    workers = presence.workers_here(workspace)
    if workers:
        return workers[0]
    path = lock_path(workspace.root)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return None  # another one is starting
        _start(workspace.root, device, lock.fileno())
    return None


def _start(root: Path, device: str, lock: int) -> None:
    """Start the process; the lock belongs to the open file, which the child inherits and keeps."""
    log = root / "logs" / "worker-start.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "workbench.worker", "--workspace", str(root)]
    command += ["--exit-when-idle", str(IDLE_SECONDS), "--device", device]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(lock,),
            cwd=REPOSITORY,
        )
    # a child that nobody waits for would stay as a zombie and look alive
    threading.Thread(target=process.wait, name="worker-reaper", daemon=True).start()


def wait_ready(workspace: Workspace, timeout: float = 60.0) -> WorkerInfo:
    """Wait until a worker answers, starting one if none is there.

    Raises:
        WorkerError: none came up in time; the message holds the end of its start log.
    """
    until = time.monotonic() + timeout
    while (worker := ensure(workspace)) is None:
        if time.monotonic() > until:
            raise WorkerError(
                "the worker did not start",
                expected=f"a heartbeat within {timeout:.0f} s",
                got=_tail(workspace.root / "logs" / "worker-start.log") or "no output",
                do="Run `workbench worker` in a terminal to see why.",
            )
        time.sleep(0.1)
    return worker


def _tail(path: Path, lines: int = 5) -> str:
    with contextlib.suppress(OSError):
        text = path.read_text(errors="replace")
        return " / ".join(line for line in text.splitlines()[-lines:] if line.strip())
    return ""


def stop(workspace: Workspace, *, timeout: float = 15.0) -> int:
    """Stop every worker of the workspace on this machine; return how many were stopped.

    A running job goes back to the queue. One that does not end in time is killed, which loses
    nothing that was published.
    """
    workers = presence.workers_here(workspace)
    for worker in workers:
        _signal(worker, signal.SIGTERM)
    until = time.monotonic() + timeout
    for worker in workers:
        while presence.process_lives(worker.pid, worker.started) and time.monotonic() < until:
            time.sleep(0.05)
        if presence.process_lives(worker.pid, worker.started):
            _signal(worker, signal.SIGKILL)
        workspace.workers.remove(worker.id)
    return len(workers)


def _signal(worker: WorkerInfo, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker.pid, number)
