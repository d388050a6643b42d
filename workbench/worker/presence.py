"""Which processes of this machine use a workspace: apps announce themselves, workers look."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import threading
from pathlib import Path

import psutil

from store.workspace import Workspace
from workbench.types import WorkerInfo

__all__ = ["announce", "living_apps", "process_lives", "workers_here"]

_SLACK = 2.0
"""Seconds by which a process' creation time may differ from what was noted."""


def process_lives(pid: int, born: float) -> bool:
    """True when process ``pid`` runs and is the one noted: created no later than ``born``.

    Args:
        pid: process number on this machine.
        born: Unix time by which the process existed; a process created later has inherited the
            number.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.create_time() <= born + _SLACK)
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def announce(root: Path) -> Path:
    """Note in ``run/`` that this process uses the workspace, until it exits. Safe to repeat."""
    path = root / "run" / f"app-{os.getpid()}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".tmp-{os.getpid()}-{threading.get_ident():x}-app")
        born = psutil.Process().create_time()
        temporary.write_text(json.dumps({"pid": os.getpid(), "born": born}))
        temporary.replace(path)
        atexit.register(_withdraw, path, os.getpid())
    return path


def _withdraw(path: Path, pid: int) -> None:
    if os.getpid() == pid:  # a forked child must not remove its parent's note
        path.unlink(missing_ok=True)


def living_apps(root: Path) -> list[int]:
    """Process numbers of the apps that use the workspace; notes of dead ones are removed."""
    living = []
    for path in sorted((root / "run").glob("app-*")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            note = json.loads(path.read_text())
            if process_lives(int(note["pid"]), float(note["born"])):
                living.append(int(note["pid"]))
            else:
                path.unlink(missing_ok=True)
    return living


def workers_here(workspace: Workspace) -> tuple[WorkerInfo, ...]:
    """Workers with a fresh heartbeat whose process runs on this machine, oldest first."""
    here = [w for w in workspace.workers.alive() if w.host == socket.gethostname()]
    lives = [w for w in here if process_lives(w.pid, w.started)]
    return tuple(sorted(lives, key=lambda worker: worker.started))
