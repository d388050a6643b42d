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
from typing import Any

from store.claims import LOST_SECONDS, MAX_LOSSES, Claims, Lost, refuse_waiting
from workbench.errors import InputError, UnknownName
from workbench.types import JobInfo, JobState

__all__ = ["LOST_SECONDS", "MAX_LOSSES", "Jobs", "Lost"]


class Jobs(Claims):
    """The job table of one workspace. Every method is one transaction, safe between processes.

    What workers do with it is in ``store.claims``.
    """

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
            refuse_waiting(connection)
            return self.get(int(number or 0))

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
            refuse_waiting(connection)

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
            refuse_waiting(connection)
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
            refuse_waiting(connection)
        return self.get(job)

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


def _canonical(kind: str, params: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(params), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"parameters of a job {kind!r}", expected="JSON", got=str(error)
        ) from error


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
