"""The worker's side of a job: claim it, report on it, end it; and jobs whose worker was lost."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from sqlite3 import Connection, Row
from typing import Any

from store.database import Database
from workbench.errors import WorkerError
from workbench.types import JobInfo, JobState

__all__ = ["LOST_SECONDS", "MAX_LOSSES", "Claims", "Lost", "refuse_waiting"]

LOST_SECONDS = 15.0
"""A running job without a heartbeat for so long is taken for abandoned."""

MAX_LOSSES = 30
"""Workers that may die in a row on one job without progress before it counts as failed."""

_WAITING = """exists (select 1 from job_after a join jobs d on d.id = a.after
    where a.job = jobs.id and d.state <> 'done')"""


_INTERNAL = ("losses", "claimed_done")
_MANY_LOSSES = (
    f"{MAX_LOSSES} workers in a row died on this job without progress. Its log shows how far it "
    "came; the input or the memory of this machine may be the cause."
)


class Lost(WorkerError):
    """The job is not this worker's any more: it was requeued, cancelled or deleted."""


class Claims:
    """What workers do with the job table. Every method is one transaction.

    Args:
        root: the workspace folder, for the paths of the logs.
        database: its state.sqlite.
    """

    def __init__(self, root: Path, database: Database) -> None:
        self.root, self.database = root, database

    def claim(self, worker: str) -> JobInfo | None:
        """Take the next job: highest priority, then oldest, with everything it waits for done.

        Args:
            worker: id of the worker, which alone may report on the job from now on.

        Returns:
            The job, now running; None when there is nothing to do.
        """
        now = time.time()
        if self.database.one("select 1 from jobs where state='queued' limit 1") is None:
            return None  # an idle worker takes no write lock
        with self.database.write() as connection:
            row = connection.execute(
                "update jobs set state='running', worker=?, started=?, finished=null, "
                "heartbeat=?, attempts=attempts+1, claimed_done=done, rate=0, error='' "
                f"where id=(select id from jobs where state='queued' and not {_WAITING} "
                "order by priority desc, id limit 1) returning *",
                (worker, now, now),
            ).fetchone()
        return None if row is None else self._info(row)

    def beat(
        self,
        job: int,
        worker: str,
        *,
        done: int | None = None,
        total: int | None = None,
        rate: float | None = None,
        device: str | None = None,
        message: str | None = None,
    ) -> bool:
        """Report that the job is alive and how far it is; None leaves a value as it is.

        Returns:
            True when the person asked to cancel it.

        Raises:
            Lost: this worker does not hold the job any more; it must write nothing further.
        """
        with self.database.write(durable=False) as connection:
            row = connection.execute(
                "update jobs set heartbeat=?, done=coalesce(?, done), total=coalesce(?, total), "
                "rate=coalesce(?, rate), device=coalesce(?, device), "
                "message=coalesce(?, message) "
                "where id=? and worker=? and state='running' returning cancel_requested",
                (time.time(), done, total, rate, device, message, job, worker),
            ).fetchone()
        if row is None:
            raise _lost(job, worker)
        return bool(row["cancel_requested"])

    def finish(self, job: int, worker: str, result: Mapping[str, Any] | None = None) -> None:
        """The job is done, with a small JSON-like result.

        Raises:
            Lost: this worker does not hold it any more.
        """
        self._end(job, worker, "done", result=json.dumps(dict(result or {})))

    def fail(self, job: int, worker: str, error: str) -> None:
        """The job ended with an error; jobs that wait for it are refused.

        Raises:
            Lost: this worker does not hold it any more.
        """
        self._end(job, worker, "failed", error=error)

    def mark_cancelled(self, job: int, worker: str) -> None:
        """The job stopped because the person asked for it.

        Raises:
            Lost: this worker does not hold it any more.
        """
        self._end(job, worker, "cancelled")

    def release(self, job: int, worker: str) -> None:
        """Give a running job back to the queue at once: the worker stops, the job goes on later.

        Raises:
            Lost: this worker does not hold it any more.
        """
        with self.database.write() as connection:
            row = connection.execute(
                "update jobs set rate=0, worker='', state=case when cancel_requested "
                "then 'cancelled' else 'queued' end, "
                "finished=case when cancel_requested then ? end "
                "where id=? and worker=? and state='running' returning id",
                (time.time(), job, worker),
            ).fetchone()
            refuse_waiting(connection)
        if row is None:
            raise _lost(job, worker)

    def requeue_lost(self, timeout_s: float = LOST_SECONDS) -> list[int]:
        """Return running jobs without a heartbeat for ``timeout_s`` seconds to the queue.

        One that the person had asked to cancel becomes cancelled; one that lost ``MAX_LOSSES``
        workers in a row without progress becomes failed, so that it cannot kill for ever.

        Returns:
            Ids of the jobs that were lost.
        """
        now = time.time()
        with self.database.write() as connection:
            rows = connection.execute(
                "update jobs set rate=0, worker='', "
                "losses=case when done > claimed_done then 1 else losses + 1 end, "
                "state=case when cancel_requested then 'cancelled' "
                "when done <= claimed_done and losses + 1 >= ?1 then 'failed' else 'queued' end, "
                "error=case when not cancel_requested and done <= claimed_done "
                "and losses + 1 >= ?1 then ?2 else error end, "
                "finished=case when cancel_requested or (done <= claimed_done "
                "and losses + 1 >= ?1) then ?3 end "
                "where state='running' and heartbeat < ?4 returning id",
                (MAX_LOSSES, _MANY_LOSSES, now, now - timeout_s),
            ).fetchall()
            refuse_waiting(connection)
        return sorted(row["id"] for row in rows)

    def _end(
        self, job: int, worker: str, state: JobState, *, error: str = "", result: str = "{}"
    ) -> None:
        with self.database.write() as connection:
            row = connection.execute(
                "update jobs set state=?, error=?, result=?, finished=?, rate=0, "
                "cancel_requested=0, losses=0 "
                "where id=? and worker=? and state='running' returning id",
                (state, error, result, time.time(), job, worker),
            ).fetchone()
            refuse_waiting(connection)
        if row is None:
            raise _lost(job, worker)

    def _info(self, row: Row) -> JobInfo:
        fields = {name: row[name] for name in row.keys() if name not in _INTERNAL}  # noqa: SIM118
        fields["params"], fields["result"] = json.loads(row["params"]), json.loads(row["result"])
        fields["cancel_requested"] = bool(row["cancel_requested"])
        return JobInfo(**fields, log=str(self.root / "logs" / f"job-{row['id']}.log"))


def refuse_waiting(connection: Connection) -> None:
    """Refuse queued jobs that wait for one that did not end well, and those that wait for them.

    Args:
        connection: inside the write transaction that ended a job.
    """
    while (
        connection.execute(
            "update jobs set state='refused', finished=?, error=("
            "select 'It waits for job ' || d.id || ' (' || d.title || '), which is ' || d.state "
            "|| '.' from job_after a join jobs d on d.id = a.after where a.job = jobs.id "
            "and d.state in ('failed', 'cancelled', 'refused') order by d.id limit 1) "
            "where state='queued' and exists (select 1 from job_after a join jobs d "
            "on d.id = a.after where a.job = jobs.id "
            "and d.state in ('failed', 'cancelled', 'refused'))",
            (time.time(),),
        ).rowcount
        > 0
    ):
        pass


def _lost(job: int, worker: str) -> Lost:
    return Lost(
        f"job {job} is not held by worker {worker!r} any more",
        do="Another worker has it or it was ended; nothing more may be written for it.",
    )
