"""Captions from packed files: a column of Parquet, and the texts of a WebDataset tar."""

from __future__ import annotations

import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.longtail.corpus_report import Report
from workbench.longtail.corpus_text import LONGEST, json_text, open_bytes

__all__ = ["PARQUET_ERRORS", "opened_parquet", "parquet_rows", "tar_rows"]

PARQUET_ERRORS = (OSError, EOFError, zlib.error, pa.ArrowException)
_TAR_ERRORS = (OSError, EOFError, zlib.error, tarfile.TarError)
_TEXTS = (".txt", ".caption", ".text")


@contextmanager
def opened_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file; a packed one is unpacked aside first, because it is read from its end."""
    if path.suffix.lower() != ".gz":
        with pq.ParquetFile(path) as file:
            yield file
        return
    with tempfile.TemporaryFile() as aside, open_bytes(path) as packed:
        copyfileobj(packed, aside, 1 << 20)
        aside.seek(0)
        with pq.ParquetFile(aside) as file:
            yield file


def parquet_rows(
    path: Path, report: Report, *, column: str, groups: tuple[int, int], first: int, size: int
) -> Iterator[tuple[int, pa.Array]]:
    """Captions of some row groups: the row of the first, from 0, and a string array.

    Args:
        path: the file.
        report: where problems are noted; unreadable captions become empty ones.
        column: name of a column of text.
        groups: first row group and the one behind the last.
        first: row of the file at which they begin.
        size: most captions at once.
    """
    row = first
    try:
        with opened_parquet(path) as file:
            names = file.schema_arrow.names
            if column not in names:
                report.add(str(path), 0, f"no column {column!r}; there are {', '.join(names)}")
                return
            wanted = list(range(*groups)) if groups[1] else None
            for batch in file.iter_batches(size, row_groups=wanted, columns=[column]):
                yield row, _texts(path, row, batch.column(0), report)
                row += len(batch)
    except PARQUET_ERRORS as error:
        what = f"it cannot be read ({str(error).splitlines()[0]}); rows from here are skipped"
        report.add(str(path), row + 1, what)


def _texts(path: Path, row: int, values: pa.Array, report: Report) -> pa.Array:
    plain = values.cast(
        pa.large_string(), safe=False
    )  # unsafe: bad UTF-8 is found below, row by row
    long = pc.greater(pc.binary_length(plain), LONGEST).fill_null(False)
    try:
        plain.validate(full=True)
        bad: dict[int, str] = {}
    except pa.ArrowInvalid:
        bad = _not_utf8(plain)
    for place in pc.indices_nonzero(long).to_pylist():
        bad[place] = f"a caption of more than {LONGEST:,} bytes is left empty"
    if not bad:
        return plain.cast(pa.string())
    for place, reason in sorted(bad.items()):
        report.add(str(path), row + place + 1, reason)
    mask = pa.array([place in bad for place in range(len(plain))])
    kept = pc.if_else(mask, pa.scalar(b"", pa.large_binary()), plain.cast(pa.large_binary()))
    return kept.cast(pa.large_string()).cast(pa.string())


def _not_utf8(values: pa.Array) -> dict[int, str]:
    bad: dict[int, str] = {}
    for place, data in enumerate(values.cast(pa.large_binary())):
        try:
            (data.as_py() or b"").decode("utf-8")
        except UnicodeDecodeError:
            bad[place] = "not UTF-8; the caption is left empty"
    return bad


def tar_rows(path: Path, report: Report, *, column: str | None) -> Iterator[tuple[int, str, str]]:
    """Captions of a WebDataset tar: number of the member, from 1, the caption, the member's name.

    Args:
        path: the tar, read from front to back; nothing is unpacked to disk.
        report: where problems are noted.
        column: field of the ``.json`` members; None reads the ``.txt`` members.
    """
    number = found = 0
    try:
        with open_bytes(path) as raw, tarfile.open(fileobj=raw, mode="r|") as tar:
            for number, member in enumerate(tar, start=1):
                tar.members = []  # type: ignore[attr-defined]  # or it keeps them all
                ending = Path(member.name).suffix.lower()
                if not member.isfile() or ending not in ((".json",) if column else _TEXTS):
                    continue
                found += 1
                try:
                    yield number, _member(tar.extractfile(member), member.size, column), member.name
                except (ValueError, RecursionError) as error:
                    report.add(str(path), number, f"{member.name}: {error}; it is skipped")
    except _TAR_ERRORS as error:
        report.add(str(path), number + 1, f"the tar is broken here ({error}); the rest is skipped")
    if not found:
        wanted = ".json" if column else ".txt"
        report.add(str(path), 0, f"no {wanted} member among {number} members")


def _member(file: IO[bytes] | None, size: int, column: str | None) -> str:
    if size > LONGEST:
        raise ValueError(f"{size:,} bytes, more than {LONGEST:,}")
    text = (file.read() if file else b"").decode("utf-8-sig")
    return json_text(json.loads(text), column) if column else text.strip()
