"""Is every file of the workspace what the catalog says? Looks at everything, changes nothing.

Findings are damage, except those marked harmless: leftovers of processes that were killed and
files that no catalog row names any more. A kill at any moment leaves nothing but those, so a
workspace whose findings are all harmless is in order; ``workbench gc`` removes them (and a
worker removes leftovers of dead processes when it starts).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from store import gc
from store.files import digest_of
from store.sources import resolve
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["Finding", "check"]

Kind = Literal["missing", "truncated", "checksum", "catalog", "source-gone", "orphan", "leftover"]

_NAMED_AT_MOST = 20
"""Vanished source files named one by one; the rest is counted."""

_REPAIR = {
    "items": "Delete the dataset and import it again.",
    "captions": "Delete the dataset and import it again.",
    "media": "Delete the dataset and import it again.",
    "vectors": "Drop the vectors of this model and embed the dataset again.",
    "index": "Build the index again.",
    "model": "Remove the model and register it again.",
    "run": "Run the evaluation again.",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as the catalog says.

    Args:
        kind: ``missing``, ``truncated`` or ``checksum`` (a file's content has changed);
            ``catalog`` (state.sqlite contradicts itself or a file); ``source-gone`` (an imported
            image file is not where it was); ``orphan`` (no row names the file); ``leftover`` (a
            killed process left it).
        path: of the file, relative to the workspace where it lies inside.
        what: one sentence.
        do: the next step.
        harmless: only disk space is at stake.
    """

    kind: Kind
    path: str
    what: str
    do: str
    harmless: bool = False


def check(workspace: Workspace, *, deep: bool = True) -> tuple[Finding, ...]:
    """Everything that is wrong, damage first; empty when all is well.

    Args:
        workspace: to examine; may be in use by others meanwhile.
        deep: read every file and compare its checksum, and look for the imported image files;
            otherwise only existence and size of the workspace's own files.
    """
    found = [*_state(workspace, deep=deep), *_counts(workspace)]
    found += _files(workspace, deep=deep)
    if deep:
        found += [*_shapes(workspace), *_source_files(workspace)]
    return (*found, *_harmless(workspace))


def _state(workspace: Workspace, *, deep: bool) -> Iterator[Finding]:
    """SQLite's own checks."""
    do = "Restore state.sqlite from a backup, or import into a new workspace."
    pragma = "integrity_check" if deep else "quick_check"
    for row in workspace.database.all(f"pragma {pragma}(20)"):
        if row[0] != "ok":
            yield Finding("catalog", "state.sqlite", f"SQLite says: {row[0]}", do)
    for row in workspace.database.all("pragma foreign_key_check"):
        what = f"a row of {row['table']} names a row of {row['parent']} that is not there"
        yield Finding("catalog", "state.sqlite", what, do)


def _counts(workspace: Workspace) -> Iterator[Finding]:
    """Counts in the catalog against the rows they count."""
    with workspace.database.read() as connection:
        datasets = connection.execute("select * from datasets order by name").fetchall()
        for dataset in datasets:
            number, name = dataset["id"], dataset["name"]
            for side, total in (("image", "items"), ("caption", "captions")):
                parts = connection.execute(
                    "select start, stop from parts where dataset=? and side=? order by start",
                    (number, side),
                ).fetchall()
                yield from _ranges(f"parts of {name!r} ({total})", parts, dataset[total])
                shards = connection.execute(
                    "select model, start, stop from vectors where dataset=? and side=? "
                    "order by model, start",
                    (name, side),
                ).fetchall()
                yield from _overlaps(f"vectors of {name!r} ({side})", shards, dataset[total])
            (ids,) = connection.execute(
                "select count(*) from items where dataset=?", (number,)
            ).fetchone()
            if ids != dataset["items"]:
                yield _wrong(f"{name!r} has {dataset['items']} items and {ids} item ids")


def _ranges(what: str, parts: Iterable[tuple[int, int]], total: int) -> Iterator[Finding]:
    at = 0
    for start, stop in parts:
        if start != at:
            yield _wrong(
                f"{what}: rows {min(at, start)} to {max(at, start) - 1} are not covered once"
            )
        at = stop
    if at != total:
        yield _wrong(f"{what}: they end at row {at}, the catalog counts {total}")


def _overlaps(what: str, shards: Iterable[tuple[str, int, int]], total: int) -> Iterator[Finding]:
    last, at = "", 0
    for model, start, stop in shards:
        at = at if model == last else 0
        if start < at or stop > total:
            yield _wrong(f"{what} by {model}: rows {start} to {stop - 1} overlap or do not exist")
        last, at = model, stop


def _wrong(what: str) -> Finding:
    do = "Please report this. Delete the dataset and import it again."
    return Finding("catalog", "state.sqlite", what, do)


def _files(workspace: Workspace, *, deep: bool) -> Iterator[Finding]:
    """Every file that the catalog names."""
    for row in workspace.database.all("select path, kind, bytes, digest from files order by path"):
        found = _compare(workspace.root / row["path"], row["bytes"], row["digest"], deep=deep)
        if found is None:
            continue
        still = workspace.database.one("select 1 from files where path=?", (row["path"],))
        if still is not None:  # else it was replaced or deleted while we looked
            kind, what = found
            do = _REPAIR.get(row["kind"], "Restore it from a backup.")
            yield Finding(kind, row["path"], what, do)


def _compare(path: Path, size: int, digest: str, *, deep: bool) -> tuple[Kind, str] | None:
    try:
        actual = path.stat().st_size
        if actual < size:
            return "truncated", f"it has {actual:,} of {size:,} bytes"
        if actual > size:
            return "checksum", f"it has {actual:,} bytes, {actual - size:,} more than were written"
        if deep and digest_of(path)[0] != digest:
            return "checksum", "its content is not what was written"
    except FileNotFoundError:
        return "missing", "the catalog names it, and it is not there"
    except OSError as error:
        return "missing", f"it cannot be read: {error.strerror or error}"
    return None


def _shapes(workspace: Workspace) -> Iterator[Finding]:
    """Rows in the files against rows in the catalog."""
    for row in workspace.database.all("select start, stop, file from parts"):
        try:
            rows = pq.read_metadata(workspace.root / row["file"]).num_rows
        except (OSError, pa.ArrowInvalid):
            continue  # reported as missing or altered
        if rows != row["stop"] - row["start"]:
            what = f"it has {rows} rows, the catalog says {row['stop'] - row['start']}"
            yield Finding("catalog", row["file"], what, _REPAIR["items"])
    for row in workspace.database.all("select start, stop, dim, file from vectors"):
        try:
            shape = np.load(workspace.root / row["file"], mmap_mode="r", allow_pickle=False).shape
        except (OSError, ValueError):
            continue
        if shape != (row["stop"] - row["start"], row["dim"]):
            what = f"its shape is {shape}, the catalog says otherwise"
            yield Finding("catalog", row["file"], what, _REPAIR["vectors"])


def _source_files(workspace: Workspace) -> Iterator[Finding]:
    """Imported image files outside the workspace that are gone."""
    for dataset in workspace.catalog.datasets():
        try:
            uris = workspace.tables.source_uris(dataset.name)
        except WorkbenchError:
            continue  # its tables are damaged, which is reported already
        gone = [uri for uri in uris if not resolve(workspace.root, uri).is_file()]
        do = "Put it back, or delete the dataset and import it again from where it is now."
        for uri in gone[:_NAMED_AT_MOST]:
            yield Finding("source-gone", uri, f"{dataset.name!r} was imported from it", do)
        if len(gone) > _NAMED_AT_MOST:
            what = f"{len(gone) - _NAMED_AT_MOST} more files of {dataset.name!r} are gone"
            yield Finding("source-gone", dataset.source, what, do)


def _harmless(workspace: Workspace) -> Iterator[Finding]:
    do = "`workbench gc --delete` removes it."
    for path in gc.leftovers(workspace):
        name = path.relative_to(workspace.root).as_posix()
        what = "a process that was killed was writing it"
        yield Finding("leftover", name, what, do, harmless=True)
    for path in gc.unnamed(workspace, spare_costly=True):
        name = path.relative_to(workspace.root).as_posix()
        yield Finding("orphan", name, "nothing in the catalog names it", do, harmless=True)
