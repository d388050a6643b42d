"""Evaluations that were made: a question, its answer, and the tables behind the answer."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from store.database import Database
from store.files import draft
from store.ledger import forget_files, record_file
from store.names import check_name
from store.parts import ROW_GROUP, write_parquet
from workbench.errors import InputError, UnknownName, WorkspaceDamaged

__all__ = ["Run", "Runs", "question_key"]


@dataclass(frozen=True)
class Run:
    """One answered question.

    Args:
        key: hash of kind and params: the same question has the same key.
        kind: ``evaluate-retrieval`` ...
        params: JSON-like; everything the answer depends on.
        result: JSON-like.
        tables: names of its tables.
        created: seconds since 1970.
    """

    key: str
    kind: str
    params: Mapping[str, Any]
    result: Mapping[str, Any]
    tables: tuple[str, ...]
    created: float


class Runs:
    """Every run of one workspace. Safe between threads and processes.

    Args:
        root: the workspace folder.
        database: its state.sqlite.
    """

    def __init__(self, root: Path, database: Database) -> None:
        self.root, self.database = root, database

    def publish(
        self,
        kind: str,
        params: Mapping[str, Any],
        result: Mapping[str, Any],
        tables: Mapping[str, pa.Table] | None = None,
        *,
        dataset: str | None = None,
        group: int = ROW_GROUP,
    ) -> Run:
        """Keep an answer with its tables; a former answer to the same question is replaced.

        Args:
            kind: what was asked.
            params: what it was asked of.
            result: the figures.
            tables: name -> table, written as Parquet.
            dataset: whose deletion removes the run; ``params["dataset"]`` when None.
            group: rows of the tables that are read or skipped together.

        Raises:
            InputError: params or result are no JSON.
            DiskFull: nothing was changed.
        """
        question, answer = _json(params, "parameters"), _json(result, "result")
        key = _key(kind, question)
        owner = params.get("dataset") if dataset is None else dataset
        files = {}
        for name, table in (tables or {}).items():
            check_name("table", name)
            with draft(self.root, f"runs/{key}", f"{name}.parquet") as target:
                write_parquet(table, target.path, group)
                files[name] = target.place("run", name, ".parquet")
        with self.database.write() as connection:
            forget_files(connection, "run_tables", "run=?", (key,))
            connection.execute(
                "insert into runs values (?, ?, ?, ?, ?, ?) on conflict (key) "
                "do update set result=excluded.result, created=excluded.created",
                (key, kind, question, answer, owner, time.time()),
            )
            for name, file in files.items():
                record_file(connection, self.root, file, dataset=owner)
                connection.execute(
                    "insert into run_tables values (?, ?, ?)", (key, name, file.path)
                )
        return self.get(key)

    def get(self, key: str) -> Run:
        """One run by its key.

        Raises:
            UnknownName: there is none.
        """
        row = self.database.one("select * from runs where key=?", (key,))
        if row is None:
            raise UnknownName(
                "run", key, [r["key"] for r in self.database.all("select key from runs")]
            )
        return self._run(row)

    def find(self, kind: str, params: Mapping[str, Any]) -> Run | None:
        """The answer to exactly this question; None when it was never asked."""
        key = question_key(kind, params)
        row = self.database.one("select * from runs where key=?", (key,))
        return None if row is None else self._run(row)

    def newest(self, kind: str, **params: Any) -> Run | None:
        """The newest run of a kind whose parameters include these; None when there is none."""
        for run in self.list(kind):
            if all(run.params.get(name) == value for name, value in params.items()):
                return run
        return None

    def list(self, kind: str | None = None) -> tuple[Run, ...]:
        """Every run (of one kind), newest first."""
        rows = self.database.all(
            "select * from runs where ?1 is null or kind=?1 order by created desc, key", (kind,)
        )
        return tuple(map(self._run, rows))

    def table(
        self,
        run: Run,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, int] | None = None,
    ) -> pa.Table:
        """One table of a run.

        Args:
            run: whose.
            name: of the table.
            columns: only these.
            where: column -> the value it must have; groups of rows that cannot hold it are not
                read, which is fast where the table is sorted by the column.

        Raises:
            UnknownName: it has none of this name.
            WorkspaceDamaged: the file is missing or unreadable.
        """
        row = self.database.one(
            "select file from run_tables where run=? and name=?", (run.key, name)
        )
        if row is None:
            raise UnknownName("table", name, run.tables)
        try:
            only = [(column, "==", value) for column, value in (where or {}).items()] or None
            named = None if columns is None else list(columns)
            return pq.read_table(self.root / row["file"], columns=named, filters=only)
        except (OSError, pa.ArrowInvalid) as error:
            raise WorkspaceDamaged(
                f"{row['file']} cannot be read: {error}", do="Run `workbench doctor`."
            ) from error

    def drop(self, key: str) -> None:
        """Forget a run; its files become orphans. Nothing happens when there is none."""
        with self.database.write() as connection:
            forget_files(connection, "run_tables", "run=?", (key,))
            connection.execute("delete from runs where key=?", (key,))

    def _run(self, row: Row) -> Run:
        names = self.database.all(
            "select name from run_tables where run=? order by name", (row["key"],)
        )
        return Run(
            key=row["key"],
            kind=row["kind"],
            params=json.loads(row["params"]),
            result=json.loads(row["result"]),
            tables=tuple(name["name"] for name in names),
            created=row["created"],
        )


def _json(value: Mapping[str, Any], what: str) -> str:
    try:
        return json.dumps(dict(value), sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} of a run", expected="JSON", got=str(error)) from error


def question_key(kind: str, params: Mapping[str, Any]) -> str:
    """Key of a question: the same kind and parameters have the same.

    Raises:
        InputError: the parameters are no JSON.
    """
    return _key(kind, _json(params, "parameters"))


def _key(kind: str, question: str) -> str:
    return hashlib.blake2b(f"{kind} {question}".encode(), digest_size=8).hexdigest()
