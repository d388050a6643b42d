"""Runs an import in a process of its own, while this one is busy with importing torch.

One interpreter runs Python code of one thread at a time, and importing torch is seconds of it: an
import beside it was measured to take three times as long. The child tells the worker how far it is,
a line of JSON each time; the worker reports that as its own progress and kills the child when the
job shall stop. Parts appear whole or not at all, so that nothing else needs to be agreed upon.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from store.workspace import Workspace
from workbench.errors import WorkbenchError
from workbench.settings import REPOSITORY
from workbench.worker import import_job, wire
from workbench.worker.control import Control

if TYPE_CHECKING:
    from workbench.types import JobInfo

__all__ = ["main", "run"]

_PATIENCE = 0.2
_SAYING = threading.Lock()


def run(job: JobInfo, workspace: Workspace, control: Control) -> dict[str, Any]:
    """Import in a child process, as ``import_job.run`` does; returns and raises the same.

    A child that dies without a word (a crash, a full memory) leaves its published parts; the rest
    is then imported in this process.

    Args:
        job: kind ``import``, claimed.
        workspace: where the dataset is, or will be.
        control: told of progress; raises when the job shall stop.
    """
    command = [sys.executable, "-m", __name__, str(workspace.root), str(job.id)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end tells the child that this process has gone
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=REPOSITORY,
        start_new_session=True,  # Ctrl-C in a terminal is for the worker, which then stops it
    ) as child:
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_read, args=(child.stdout, lines), daemon=True)
        reader.start()
        try:
            last = _followed(lines, control)
        finally:
            child.kill()
            reader.join()
    control.beat()
    if "result" in last:
        return dict(last["result"])
    wire.raise_error(last)
    control.log.warning("the process that imported died (%s)", child.returncode)
    return import_job.run(job, workspace, control)


def _followed(lines: queue.Queue[str], control: Control) -> Mapping[str, Any]:
    """Pass on what the child says until it ends; its last word, or nothing."""
    while True:
        control.tick()
        try:
            line = lines.get(timeout=_PATIENCE)
        except queue.Empty:
            continue
        said: dict[str, Any] = json.loads(line) if line.endswith("\n") else {}
        if "log" in said:
            control.log.log(*said["log"])
        elif "done" in said:
            control.tick(said["done"], said["total"], said["message"])
        else:
            return said


def _read(stream: TextIO, lines: queue.Queue[str]) -> None:
    """Every line, then an empty one."""
    for line in stream:
        lines.put(line)
    lines.put("")


class _Reporting(Control):
    """The control of a job whose worker is the parent process."""

    def beat(self) -> None:
        """Tell the parent how far the job is."""
        with self._lock:
            self._last_beat = self._clock()
            _say(done=self._done, total=self._total, message=self._message)


class _Forward(logging.Handler):
    """Hands warnings to the parent, which writes the job's log; it knows the progress already."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        _say(log=[record.levelno, "%s", self.format(record)])


def _say(**message: Any) -> None:
    with _SAYING:  # a line longer than the pipe takes at once must not be cut by another
        os.write(sys.stdout.fileno(), (json.dumps(message) + "\n").encode())


def main(arguments: list[str]) -> None:
    """The child: run one job, say what came of it, and end with the parent at the latest."""
    root, number = arguments
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    log = logging.getLogger("workbench")
    log.addHandler(_Forward(logging.WARNING))
    with Workspace.open(Path(root)) as workspace:
        job = workspace.jobs.get(int(number))
        control = _Reporting(job, workspace, job.worker)
        try:
            _say(result=import_job.run(job, workspace, control))
        except Exception as error:  # the parent raises it again
            if not isinstance(error, WorkbenchError):
                log.exception("unexpected error")
            _say(**wire.error_header(error))


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
