"""A DuckDB file with nothing but views over the tables, for people who like its shell."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import duckdb

from store.catalog import Catalog
from store.files import DRAFT_PREFIX, full_disk
from store.sql import literal, quote
from workbench.errors import InputError

__all__ = ["write_duckdb_file"]


def write_duckdb_file(root: Path, catalog: Catalog, path: Path) -> None:
    """Write ``path`` anew: one schema a dataset, with the views ``items`` and ``captions``.

    The views name the files by absolute path and show the datasets as they are now; write the
    file again after an import. It may be opened while the app runs: it holds no data.

    Raises:
        InputError: a question mark in the path, which DuckDB cannot open.
        DiskFull: no room left.
    """
    if "?" in str(path):
        raise InputError(f"DuckDB file {path}", expected="a path without '?'", got=str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{DRAFT_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{path.name}")
    with full_disk(path.parent):
        try:
            with duckdb.connect(str(draft)) as connection:
                for statement in _statements(root, catalog):
                    connection.execute(statement)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
            draft.with_name(draft.name + ".wal").unlink(missing_ok=True)


def _statements(root: Path, catalog: Catalog) -> list[str]:
    made = []
    for info in catalog.datasets():
        schema = quote(info.name)
        made.append(f"create schema if not exists {schema}")
        for view, side in (("items", "image"), ("captions", "caption")):
            rows = catalog.database.all(
                "select p.file from parts p join datasets d on d.id = p.dataset "
                "where d.name=? and p.side=? order by p.start",
                (info.name, side),
            )
            files = ", ".join(literal(str(root / row["file"])) for row in rows)
            if files:
                source = f"read_parquet([{files}], union_by_name=true)"
                made.append(f"create view {schema}.{view} as select * from {source}")
    return made
