"""Vectors of a dataset under a model, as memory-mapped shards of unit rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from store.catalog import Catalog
from store.files import draft
from store.ledger import forget_files, record_file, record_progress
from store.names import check_name
from workbench.errors import InputError, UnknownName, WorkspaceDamaged
from workbench.types import Floats, Rows, Side, VectorsInfo, check_unit_rows

__all__ = ["Vectors"]

_SIDES = ("image", "caption")
_DTYPES = ("float16", "float32")


@dataclass(frozen=True)
class _Of:
    """What vectors are of."""

    dataset: str
    model: str
    side: Side

    def __str__(self) -> str:
        return f"{self.side} vectors of {self.dataset!r} by {self.model}"


@dataclass(frozen=True)
class _Shard:
    """Rows start..stop-1 in one file."""

    start: int
    stop: int
    dim: int
    dtype: str
    file: str


class Vectors:
    """Vectors of every dataset × model × side. Row i is item i or caption i of the dataset.

    Args:
        root: the workspace folder.
        catalog: of the workspace.
    """

    def __init__(self, root: Path, catalog: Catalog) -> None:
        self.root, self.catalog, self.database = root, catalog, catalog.database

    def write(
        self,
        dataset: str,
        model: str,
        side: Side,
        start: int,
        array: NDArray[Any],
        *,
        dtype: str = "float16",
        job_id: int | None = None,
        done: int | None = None,
    ) -> None:
        """Publish the vectors of consecutive rows: one file, recorded when it is complete.

        Writing rows that all have a vector already changes nothing.

        Args:
            dataset: must exist and have these rows.
            model: key of the model.
            side: ``image`` or ``caption``.
            start: row of the first vector.
            array: (n, D) float16 or float32, unit rows; D as in earlier shards.
            dtype: ``float16`` (half the size; a cosine moves by less than 1e-3) or ``float32``.
            job_id: a job whose progress and heartbeat are noted in the same transaction.
            done: that job's progress from now on, in all.

        Raises:
            InputError: not unit rows, another D, rows outside the dataset, or some of the rows
                have a vector and some do not.
            UnknownName: no such dataset.
            DiskFull: nothing was changed.
        """
        of = _Of(dataset, check_name("model key", model), side)
        self._check(of, start, array, dtype)
        stop = start + len(array)
        if len(array) == 0 or self._present(of, start, stop):
            return
        for last_try in (False, False, True):
            try:
                self._publish(of, start, array, dtype, (job_id, done))
                return
            except WorkspaceDamaged:  # a cleaner took the file before it was recorded
                if last_try:
                    raise

    def _publish(
        self,
        of: _Of,
        start: int,
        array: NDArray[Any],
        dtype: str,
        progress: tuple[int | None, int | None],
    ) -> None:
        stop, dim = start + len(array), array.shape[1]
        with draft(self.root, f"vectors/{of.dataset}/{of.model}", "shard.npy") as shard:
            with shard.path.open("wb") as file:
                _write_npy(file, np.ascontiguousarray(array, dtype=dtype))
            stored = shard.place("vectors", f"{of.side}-{start}-{stop}", ".npy")
        with self.database.write() as connection:
            if self._present(of, start, stop):  # another was faster
                return
            dims = {s.dim for s in self._shards(of.dataset, of.model, of.side)} - {dim}
            if dims:
                raise InputError(str(of), expected=f"D = {dims.pop()}", got=f"D = {dim}")
            record_file(connection, self.root, stored, dataset=of.dataset)
            connection.execute(
                "insert into vectors values (?, ?, ?, ?, ?, ?, ?, ?)",
                (of.dataset, of.model, of.side, start, stop, dim, dtype, stored.path),
            )
            record_progress(connection, *progress)

    def info(self, dataset: str, model: str, side: Side) -> VectorsInfo:
        """How many rows have a vector, of how many; from the catalog alone.

        ``dim`` is 0 and ``dtype`` empty while there is none.

        Raises:
            UnknownName: no such dataset.
        """
        total = self._total(dataset, side)
        shards = self._shards(dataset, model, side)
        done = sum(shard.stop - shard.start for shard in shards)
        first = shards[0] if shards else None
        return VectorsInfo(
            dataset,
            model,
            side,
            done,
            total,
            first.dim if first else 0,
            first.dtype if first else "",
        )

    def all(self) -> tuple[VectorsInfo, ...]:
        """Everything that is embedded, wholly or in part, by dataset, model and side."""
        rows = self.database.all(
            "select distinct dataset, model, side from vectors order by dataset, model, side desc"
        )
        return tuple(self.info(row["dataset"], row["model"], row["side"]) for row in rows)

    def missing(self, dataset: str, model: str, side: Side) -> list[tuple[int, int]]:
        """Ranges (start, stop) of rows without a vector, ascending; from the catalog alone.

        Raises:
            UnknownName: no such dataset.
        """
        gaps, at = [], 0
        for shard in self._shards(dataset, model, side):
            if shard.start > at:
                gaps.append((at, shard.start))
            at = shard.stop
        total = self._total(dataset, side)
        return [*gaps, (at, total)] if at < total else gaps

    def take(self, dataset: str, model: str, side: Side, rows: Sequence[int] | Rows) -> Floats:
        """The vectors of these rows, in this order: float32 (len(rows), D).

        Raises:
            InputError: a row has no vector; the message names it.
            WorkspaceDamaged: a file is missing or truncated.
        """
        wanted = np.asarray(rows, dtype=np.int64).reshape(-1)
        shards = self._shards(dataset, model, side)
        starts = np.array([shard.start for shard in shards], dtype=np.int64)
        stops = np.array([shard.stop for shard in shards], dtype=np.int64)
        at = np.searchsorted(starts, wanted, side="right") - 1
        bad = np.ones(len(wanted), bool) if not shards else (at < 0) | (wanted >= stops[at])
        if bad.any():
            raise InputError(
                f"{side} {int(wanted[bad][0])} of {dataset!r} has no vector by model {model}",
                do="Embed the dataset with this model first.",
            )
        found = np.empty((len(wanted), shards[0].dim if shards else 0), dtype=np.float32)
        for number in np.unique(at):
            mine = at == number
            found[mine] = self._map(shards[number])[wanted[mine] - starts[number]]
        return found

    def blocks(
        self, dataset: str, model: str, side: Side, size: int = 65_536
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Every vector there is, in ascending rows: (row of the first, memory-mapped (b, D)).

        Args:
            dataset: its name.
            model: key of the model.
            side: ``image`` or ``caption``.
            size: largest b. A block never crosses two files, so it is often smaller.

        Raises:
            UnknownName: no such dataset.
            WorkspaceDamaged: a file is missing or truncated.
        """
        for shard in self._shards(dataset, model, side):
            array = self._map(shard)
            for at in range(0, len(array), size):
                yield shard.start + at, array[at : at + size]

    def drop(self, dataset: str, model: str) -> None:
        """Forget the vectors and indexes of dataset × model; the files become orphans."""
        with self.database.write() as connection:
            for table in ("vectors", "indexes"):
                forget_files(connection, table, "dataset=? and model=?", (dataset, model))

    def _shards(self, dataset: str, model: str, side: Side) -> list[_Shard]:
        rows = self.database.all(
            "select start, stop, dim, dtype, file from vectors "
            "where dataset=? and model=? and side=? order by start",
            (dataset, model, side),
        )
        return [_Shard(*row) for row in rows]

    def _map(self, shard: _Shard) -> NDArray[Any]:
        path = self.root / shard.file
        try:
            array = cast("NDArray[Any]", np.load(path, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError) as error:
            raise WorkspaceDamaged(
                f"{shard.file} cannot be read",
                expected=f"{shard.stop - shard.start} vectors",
                got=str(error),
                do="Run `workbench doctor`.",
            ) from error
        if array.shape != (shard.stop - shard.start, shard.dim):
            raise WorkspaceDamaged(
                f"{shard.file} is not what the catalog says",
                expected=f"shape {(shard.stop - shard.start, shard.dim)}",
                got=f"{array.shape}",
                do="Run `workbench doctor`.",
            )
        return array

    def _total(self, dataset: str, side: Side) -> int:
        info = self.catalog.dataset(dataset)
        return info.items if _checked_side(side) == "image" else info.captions

    def _check(self, of: _Of, start: int, array: NDArray[Any], dtype: str) -> None:
        if dtype not in _DTYPES:
            raise InputError(str(of), expected="dtype float16 or float32", got=repr(dtype))
        if array.dtype.name not in _DTYPES:
            raise InputError(str(of), expected="float16 or float32", got=str(array.dtype))
        check_unit_rows(array, str(of))
        total = self._total(of.dataset, of.side)
        if start < 0 or start + len(array) > total:
            got = f"rows {start} to {start + len(array) - 1}"
            raise InputError(str(of), expected=f"rows within 0 to {total - 1}", got=got)

    def _present(self, of: _Of, start: int, stop: int) -> bool:
        """True when all these rows have a vector, False when none has."""
        have = sum(
            max(0, min(stop, shard.stop) - max(start, shard.start))
            for shard in self._shards(of.dataset, of.model, of.side)
        )
        if 0 < have < stop - start:
            raise InputError(
                str(of),
                expected="rows that all have a vector or all have none",
                got=f"{have} of the rows {start} to {stop - 1} have one",
                do="Write the ranges that `missing` lists.",
            )
        return have > 0


def _write_npy(file: BinaryIO, array: NDArray[Any]) -> None:
    """As ``np.save``, which loses the error number when the disk is full."""
    npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(array))
    file.write(array.data)


def _checked_side(side: str) -> str:
    if side not in _SIDES:
        raise UnknownName("side", side, _SIDES)
    return side
