"""Which workers are alive: each registers itself and beats about once a second."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from store.database import Database
from store.jobs import LOST_SECONDS
from workbench.types import WorkerInfo

__all__ = ["Workers"]


class Workers:
    """The worker table of one workspace, safe between processes.

    Args:
        database: the workspace's state.sqlite.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def register(self, info: WorkerInfo) -> None:
        """Announce a worker; workers that have been silent for a day are forgotten."""
        with self.database.write() as connection:
            connection.execute("delete from workers where heartbeat < ?", (time.time() - 86_400,))
        self.beat(info)

    def beat(self, info: WorkerInfo) -> None:
        """Say that the worker is alive and how it is; its heartbeat becomes now."""
        now = time.time()
        with self.database.write(durable=False) as connection:
            connection.execute(
                "insert into workers values (?, ?, ?) on conflict (id) "
                "do update set info=excluded.info, heartbeat=excluded.heartbeat",
                (info.id, json.dumps({**asdict(info), "heartbeat": now}), now),
            )

    def remove(self, worker: str) -> None:
        """Forget a worker; nothing happens when it is not there."""
        with self.database.write() as connection:
            connection.execute("delete from workers where id=?", (worker,))

    def alive(self, timeout_s: float = LOST_SECONDS) -> tuple[WorkerInfo, ...]:
        """Workers that beat within the last ``timeout_s`` seconds, oldest first."""
        rows = self.database.all(
            "select info from workers where heartbeat >= ?", (time.time() - timeout_s,)
        )
        found = [_worker(json.loads(row["info"])) for row in rows]
        return tuple(sorted(found, key=lambda worker: worker.started))


def _worker(fields: dict[str, Any]) -> WorkerInfo:
    return WorkerInfo(**{**fields, "models": tuple(fields["models"])})
