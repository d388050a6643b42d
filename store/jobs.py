"""Jobs: rows in SQLite that workers claim, report on, and finish.

```
            claim            finish
   queued ---------> running --------> done
     |  ^              |  |  `-fail--> failed     -- retry --> queued
     |  `-requeue_lost-'  `- mark_cancelled --> cancelled  -- retry --> queued
     |- cancel --> cancelled
     `- refuse --> refused (a job it waits for did not end well, or its input is unusable)
```
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection, Row
from typing import Any

from store.database import Database
from workbench.errors import InputError, UnknownName, WorkerError
from workbench.types import JobInfo, JobState

__all__ = ["LOST_SECONDS", "MAX_LOSSES", "Jobs", "Lost"]

LOST_SECONDS = 15.0
"""A running job without a heartbeat for so long is taken for abandoned."""

MAX_LOSSES = 30
"""Workers that may die in a row on one job without progress before it counts as failed."""

_WAITING = """exists (select 1 from job_after a join jobs d on d.id = a.after
    where a.job = jobs.id and d.state <> 'done')"""


_Ids = list[int]  # inside the class, `list` is the method


class Lost(WorkerError):
    """The job is not this worker's any more: it was requeued, cancelled or deleted."""


class Jobs:
    """The job table of one workspace. Every method is one transaction, safe between processes.

    Args:
        root: the workspace folder, for the paths of the logs.
        database: its state.sqlite.
    """

    def __init__(self, root: Path, database: Database) -> None:
        self.root, self.database = root, database

    def submit(
        self,
        kind: str,
        params: Mapping[str, Any],
        *,
        title: str,
        priority: int = 0,
        unit: str = "items",
        total: int = 0,
        after: Sequence[int] = (),
    ) -> JobInfo:
        """Queue a job; an equal one that is queued or running is returned instead of a second.

        Args:
            kind: what runs it.
            params: JSON-like; equality is that of kind and params.
            title: one line for the person.
            priority: higher is claimed first.
            unit: what ``done`` and ``total`` count.
            total: units of work, 0 while unknown.
            after: ids of jobs that must be done before it is claimed; when one of them fails, is
                cancelled or refused, this one is refused.

        Raises:
            InputError: the params are no JSON.
            UnknownName: a job in ``after`` does not exist.
        """
        text = _canonical(kind, params)
        with self.database.write() as connection:
            equal = connection.execute(
                "select id from jobs where kind=? and params=? and state in ('queued', 'running') "
                "and not cancel_requested order by id",
                (kind, text),
            ).fetchone()
            if equal is not None:
                return self.get(equal["id"])
            for job in after:
                self.get(job)
            number = connection.execute(
                "insert into jobs (kind, title, params, state, priority, total, unit, created) "
                "values (?, ?, ?, 'queued', ?, ?, ?, ?)",
                (kind, title, text, priority, total, unit, time.time()),
            ).lastrowid
            connection.executemany(
                "insert or ignore into job_after values (?, ?)", [(number, job) for job in after]
            )
            _refuse_orphans(connection)
            return self.get(int(number or 0))

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
            _refuse_orphans(connection)
        if row is None:
            raise _lost(job, worker)

    def refuse(self, job: int, reason: str) -> None:
        """End a queued or running job that can never work, with the reason.

        Raises:
            UnknownName: no such job.
        """
        self.get(job)
        with self.database.write() as connection:
            connection.execute(
                "update jobs set state='refused', error=?, finished=?, rate=0 "
                "where id=? and state in ('queued', 'running')",
                (reason, time.time(), job),
            )
            _refuse_orphans(connection)

    def cancel(self, job: int) -> JobInfo:
        """Cancel a queued job at once; ask the worker of a running one to stop.

        A job that has ended stays as it is.

        Raises:
            UnknownName: no such job.
        """
        self.get(job)
        with self.database.write() as connection:
            connection.execute(
                "update jobs set state='cancelled', finished=? where id=? and state='queued'",
                (time.time(), job),
            )
            connection.execute(
                "update jobs set cancel_requested=1 where id=? and state='running'", (job,)
            )
            _refuse_orphans(connection)
        return self.get(job)

    def retry(self, job: int) -> JobInfo:
        """Queue a failed, cancelled or refused job again; it keeps its progress.

        Jobs that were refused because they wait for it are queued again too. A job that is
        queued, running or done stays as it is.

        Raises:
            UnknownName: no such job.
        """
        self.get(job)
        with self.database.write() as connection:
            connection.execute(
                "with recursive these(id) as (select ? union select a.job from job_after a "
                "join these on a.after = these.id join jobs j on j.id = a.job "
                "where j.state = 'refused') "
                "update jobs set state='queued', error='', cancel_requested=0, finished=null, "
                "losses=0, worker='' where id in (select id from these) "
                "and state in ('failed', 'cancelled', 'refused')",
                (job,),
            )
            _refuse_orphans(connection)
        return self.get(job)

    def requeue_lost(self, timeout_s: float = LOST_SECONDS) -> _Ids:
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
            _refuse_orphans(connection)
        return sorted(row["id"] for row in rows)

    def get(self, job: int) -> JobInfo:
        """One job.

        Raises:
            UnknownName: no such job.
        """
        row = self.database.one("select * from jobs where id=?", (job,))
        if row is None:
            known = [str(r["id"]) for r in self.database.all("select id from jobs limit 1000")]
            raise UnknownName("job", str(job), known)
        return self._info(row)

    def list(
        self, states: Sequence[JobState] | None = None, limit: int = 100
    ) -> tuple[JobInfo, ...]:
        """Jobs, newest first.

        Args:
            states: only these; None for all.
            limit: how many at most.
        """
        condition = "" if states is None else f"where state in ({_marks(states)})"
        rows = self.database.all(
            f"select * from jobs {condition} order by id desc limit ?", (*(states or ()), limit)
        )
        return tuple(map(self._info, rows))

    def version(self) -> int:
        """A number that grows with every change of any job, whichever process makes it."""
        row = self.database.one("select value from counters where name='jobs'")
        return 0 if row is None else int(row["value"])

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
            _refuse_orphans(connection)
        if row is None:
            raise _lost(job, worker)

    def _info(self, row: Row) -> JobInfo:
        fields = {name: row[name] for name in row.keys() if name not in _INTERNAL}  # noqa: SIM118
        fields["params"], fields["result"] = json.loads(row["params"]), json.loads(row["result"])
        fields["cancel_requested"] = bool(row["cancel_requested"])
        return JobInfo(**fields, log=str(self.root / "logs" / f"job-{row['id']}.log"))


_INTERNAL = ("losses", "claimed_done")
_MANY_LOSSES = (
    f"{MAX_LOSSES} workers in a row died on this job without progress. Its log shows how far it "
    "came; the input or the memory of this machine may be the cause."
)


def _canonical(kind: str, params: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(params), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"parameters of a job {kind!r}", expected="JSON", got=str(error)
        ) from error


def _refuse_orphans(connection: Connection) -> None:
    """Refuse queued jobs that wait for one that did not end well, and those that wait for them."""
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


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
