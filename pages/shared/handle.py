"""The open workspace that all browser sessions of this process share."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.settings import default_workspace

if TYPE_CHECKING:
    from workbench.api import Workbench

__all__ = ["api", "preparation_error", "prepare"]

_lock = Lock()
_failed: dict[Path, WorkbenchError] = {}


def api() -> Workbench:
    """The workspace of $WORKBENCH_WORKSPACE, or ./workspace; opened once in this process.

    Raises:
        WorkspaceError: it is damaged, was written by a newer version, or is something else.
    """
    root = _root(os.environ.get("WORKBENCH_WORKSPACE", ""))
    with _lock:
        return _open(root)


@lru_cache(maxsize=8)
def _root(named: str) -> Path:
    """The folder under the name of the moment; resolving it asks the disk, so once is enough."""
    return default_workspace()


@lru_cache(maxsize=8)
def _open(root: Path) -> Workbench:
    from workbench.api import open_workspace

    return open_workspace(root)


def prepare() -> None:
    """Start the worker, and the sample world if the workspace is new, without waiting for them.

    Runs once in a process for each workspace. What goes wrong is kept for the pages to show.
    """
    with _lock:
        _prepare(default_workspace())


@lru_cache(maxsize=8)
def _prepare(root: Path) -> None:
    Thread(target=_start, args=(root,), name="prepare", daemon=True).start()


def _start(root: Path) -> None:
    try:
        with _lock:
            workbench = _open(root)
        workbench.ensure_sample()
        workbench.ensure_worker()
    except WorkbenchError as error:
        _failed[root] = error
    except Exception:
        logging.getLogger("workbench").exception("the worker or the sample world did not start")


def preparation_error() -> WorkbenchError | None:
    """Why the worker or the sample world could not be started; None when nothing went wrong."""
    return _failed.get(default_workspace())
