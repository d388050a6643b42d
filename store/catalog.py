"""The catalog: which datasets, models and files the workspace has, and its settings."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from sqlite3 import Row
from typing import Any

from store.database import Database
from store.files import DRAFT_PREFIX, StoredFile, digest_of
from store.ledger import forget_files, forget_folder, record_file, record_files
from store.names import check_name
from workbench.errors import InputError, UnknownName
from workbench.types import DatasetInfo, IndexInfo, ModelInfo, Side

__all__ = ["Catalog"]

_DATASET_COLUMNS = "name, items, captions, parts, skipped, created, importer, source, info"
_REMOVED_AT_ONCE = 20_000
"""Item ids deleted in one transaction, so that other writers wait for milliseconds only."""

_SECONDS_AT_ONCE = 1.0
"""Of deleting item ids while a person waits; ``gc`` and the next worker delete the rest."""

_GONE = """with recursive present(id) as (
    select min(dataset) from items
    union all select (select min(dataset) from items where dataset > present.id)
    from present where present.id is not null
) select id from present where id is not null and id not in (select id from datasets) limit 1"""
"""One dataset that has item ids and is no more; walks from dataset to dataset by the index."""


class Catalog:
    """Names and facts of everything in one workspace. Safe to share between threads.

    Args:
        root: the workspace folder.
        database: its state.sqlite.
    """

    def __init__(self, root: Path, database: Database) -> None:
        self.root, self.database = root, database

    # datasets

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """Every dataset, by name."""
        rows = self.database.all(f"select {_DATASET_COLUMNS} from datasets order by name")
        return tuple(map(_dataset, rows))

    def dataset(self, name: str) -> DatasetInfo:
        """One dataset.

        Raises:
            UnknownName: there is none of this name.
        """
        row = self.database.one(f"select {_DATASET_COLUMNS} from datasets where name=?", (name,))
        if row is None:
            raise self._unknown_dataset(name)
        return _dataset(row)

    def identity(self, name: str) -> tuple[int, int]:
        """(number of the dataset, parts ever published): equal only while its tables are equal.

        A dataset that is deleted and made again has another number.

        Raises:
            UnknownName: there is none of this name.
        """
        row = self.database.one("select id, parts from datasets where name=?", (name,))
        if row is None:
            raise self._unknown_dataset(name)
        return int(row["id"]), int(row["parts"])

    def ensure_dataset(
        self, name: str, *, importer: str, source: str, info: Mapping[str, Any] | None = None
    ) -> DatasetInfo:
        """The dataset of this name, made empty when it does not exist yet.

        Args:
            name: see ``store.names.check_name``.
            importer: key of the importer that fills it.
            source: path it comes from, as given.
            info: further JSON-like facts. An existing dataset keeps its importer and source, and
                gains the facts that it lacks.

        Raises:
            InputError: a name that cannot be a folder.
        """
        check_name("dataset", name)
        with self.database.write() as connection:
            connection.execute(
                "insert into datasets (name, created, importer, source, info) "
                "values (?, ?, ?, ?, '{}') on conflict (name) do nothing",
                (name, time.time(), importer, source),
            )
            old = connection.execute("select info from datasets where name=?", (name,)).fetchone()
            merged = {**dict(info or {}), **json.loads(old["info"])}
            connection.execute(
                "update datasets set info=? where name=?", (json.dumps(merged), name)
            )
        return self.dataset(name)

    def set_dataset_info(self, name: str, info: Mapping[str, Any]) -> DatasetInfo:
        """Replace the JSON-like facts of a dataset.

        Raises:
            UnknownName: there is none of this name.
        """
        self.dataset(name)
        with self.database.write() as connection:
            connection.execute(
                "update datasets set info=? where name=?", (json.dumps(dict(info)), name)
            )
        return self.dataset(name)

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset, its vectors, indexes and runs. Its files become orphans for ``gc``.

        Jobs on it that are queued are cancelled, and running ones are asked to stop. Notes and
        tags stay: importing the same items again under this name brings them back.

        Raises:
            UnknownName: there is none of this name.
        """
        number, _ = self.identity(name)
        with self.database.write() as connection:
            connection.execute("delete from datasets where id=?", (number,))
            connection.execute(
                "update jobs set cancel_requested=(state='running'), "
                "finished=case when state='queued' then ? end, "
                "state=case when state='queued' then 'cancelled' else state end "
                "where state in ('queued', 'running') and params ->> '$.dataset' = ?",
                (time.time(), name),
            )
            connection.execute("delete from files where dataset=?", (name,))
        self.forget_items(_SECONDS_AT_ONCE)

    def forget_items(self, seconds: float = float("inf")) -> int:
        """Delete the item ids of datasets that are gone, in small steps; how many they were.

        Args:
            seconds: stop after so long; what remains does no harm and is for the next call.
        """
        removed, until = 0, time.monotonic() + seconds
        while (gone := self.database.one(_GONE)) is not None and time.monotonic() < until:
            with self.database.write(durable=False) as connection:
                step = connection.execute(
                    "delete from items where dataset=?1 and item <= coalesce("
                    "(select item from items where dataset=?1 order by item limit 1 offset ?2), "
                    "(select max(item) from items where dataset=?1))",
                    (gone["id"], _REMOVED_AT_ONCE),
                ).rowcount
            if step == 0:  # another process removed them first
                break
            removed += step
        return removed

    def _unknown_dataset(self, name: str) -> UnknownName:
        known = [row["name"] for row in self.database.all("select name from datasets")]
        return UnknownName("dataset", name, known)

    # models

    def models(self) -> tuple[ModelInfo, ...]:
        """Every registered model, by name."""
        rows = self.database.all("select info from models order by name")
        return tuple(_model(row["info"]) for row in rows)

    def model(self, name_or_key: str) -> ModelInfo:
        """One model, by the name people type or by its key.

        Raises:
            UnknownName: there is none.
        """
        row = self.database.one(
            "select info from models where name=?1 or key=?1 order by name=?1 desc", (name_or_key,)
        )
        if row is None:
            known = [row["name"] for row in self.database.all("select name from models")]
            raise UnknownName("model", name_or_key, known)
        return _model(row["info"])

    def model_folder(self, key: str) -> Path:
        """Where the copied files of a model lie: ``models/<key>``, not created here."""
        return self.root / "models" / check_name("model key", key)

    def add_model(self, info: ModelInfo) -> None:
        """Register a model, or update the one of the same key.

        The files that lie in its ``model_folder`` by then are recorded with their checksums.

        Raises:
            InputError: another model has this name, or the key cannot be a folder name.
        """
        files = self._model_files(info.key)
        with self.database.write() as connection:
            other = connection.execute(
                "select key from models where name=? and key<>?", (info.name, info.key)
            ).fetchone()
            if other is not None:
                raise InputError(
                    f"model name {info.name!r}",
                    expected="a name that no other model has",
                    got=f"the name of model {other['key']}",
                    do="Choose another name, or remove the other model first.",
                )
            connection.execute(
                "insert into models values (?, ?, ?, ?) "
                "on conflict (key) do update set name=excluded.name, info=excluded.info",
                (info.key, info.name, json.dumps(asdict(info)), time.time()),
            )
            forget_folder(connection, f"models/{info.key}/")
            record_files(connection, self.root, files)

    def remove_model(self, name_or_key: str) -> None:
        """Forget a model with its vectors, indexes and copied files, which ``gc`` then removes.

        Raises:
            UnknownName: there is none.
        """
        key = self.model(name_or_key).key
        with self.database.write() as connection:
            for table in ("vectors", "indexes"):
                forget_files(connection, table, "model=?", (key,))
            forget_folder(connection, f"models/{key}/")
            connection.execute("delete from models where key=?", (key,))

    def _model_files(self, key: str) -> list[StoredFile]:
        folder = self.model_folder(key)
        paths = [p for p in sorted(folder.rglob("*")) if p.is_file()]
        found = []
        for path in paths:
            if not path.name.startswith(DRAFT_PREFIX):
                digest, size = digest_of(path)
                relative = path.relative_to(self.root).as_posix()
                found.append(StoredFile(relative, "model", size, digest))
        return found

    # indexes

    def indexes(self) -> tuple[tuple[IndexInfo, str | None], ...]:
        """Every index with the path of its file relative to the workspace (None: no file)."""
        rows = self.database.all(
            "select i.*, coalesce(f.bytes, 0) as size from indexes i "
            "left join files f on f.path = i.file order by i.created"
        )
        return tuple((_index(row), row["file"]) for row in rows)

    def index(self, dataset: str, model: str, side: Side) -> tuple[IndexInfo, str | None] | None:
        """The index over dataset × model key × side, with its file; None when there is none."""
        row = self.database.one(
            "select i.*, coalesce(f.bytes, 0) as size from indexes i "
            "left join files f on f.path = i.file where i.dataset=? and model=? and side=?",
            (dataset, model, side),
        )
        return None if row is None else (_index(row), row["file"])

    def put_index(self, info: IndexInfo, file: StoredFile | None) -> None:
        """Record a new index in place of the former one, whose file becomes an orphan.

        Args:
            info: ``bytes`` is taken from the file.
            file: as ``Draft.place`` returned it; None for a kind that needs none.

        Raises:
            WorkspaceDamaged: the file is not there (removed meanwhile): build it again.
        """
        key = (info.dataset, info.model, info.side)
        with self.database.write() as connection:
            forget_files(connection, "indexes", "dataset=? and model=? and side=?", key)
            if file is not None:
                record_file(connection, self.root, file, dataset=info.dataset)
            connection.execute(
                "insert into indexes values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*key, info.kind, info.reason, info.rows, info.dim, int(info.exact),
                 file.path if file else None, time.time()),
            )  # fmt: skip

    def drop_index(self, dataset: str, model: str, side: Side) -> None:
        """Forget an index; its file becomes an orphan. Nothing happens when there is none."""
        with self.database.write() as connection:
            forget_files(
                connection, "indexes", "dataset=? and model=? and side=?", (dataset, model, side)
            )

    # settings

    def setting(self, key: str, default: Any = None) -> Any:
        """A stored JSON value, or the default."""
        row = self.database.one("select value from settings where key=?", (key,))
        return default if row is None else json.loads(row["value"])

    def set_setting(self, key: str, value: Any) -> None:
        """Store a JSON value under a key, for every process that opens this workspace."""
        with self.database.write() as connection:
            connection.execute(
                "insert into settings values (?, ?) "
                "on conflict (key) do update set value=excluded.value",
                (key, json.dumps(value)),
            )


def _dataset(row: Row) -> DatasetInfo:
    return DatasetInfo(**{**dict(row), "info": json.loads(row["info"])})


def _model(text: str) -> ModelInfo:
    fields = json.loads(text)
    return ModelInfo(**{**fields, "image_size": tuple(fields["image_size"])})


def _index(row: Row) -> IndexInfo:
    return IndexInfo(
        dataset=row["dataset"],
        model=row["model"],
        side=row["side"],
        kind=row["kind"],
        reason=row["reason"],
        rows=row["rows"],
        dim=row["dim"],
        bytes=row["size"],
        exact=bool(row["exact"]),
    )
