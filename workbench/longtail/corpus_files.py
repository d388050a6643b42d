"""Captions streamed from files of any size, in shards that always hold the same captions.

Text (one caption a line), CSV, TSV, JSON lines, Parquet and WebDataset tars, each also packed with
gzip. A shard is a file, or some row groups of a Parquet file: a count that was stopped goes on
behind the last shard that was finished. What cannot be read is noted with file and line in a
``Report``, and reading goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import InputError
from workbench.longtail.corpus_packed import (
    PARQUET_ERRORS,
    opened_parquet,
    parquet_rows,
    tar_rows,
)
from workbench.longtail.corpus_report import Problem, Report
from workbench.longtail.corpus_text import Row, column_place, csv_rows, header, json_rows, lines

__all__ = ["KINDS", "Corpus", "Problem", "Report", "Shard", "open_corpus"]

KINDS = {
    ".txt": "txt",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".tar": "tar",
    ".tgz": "tar",
}
"""Ending of a file name -> how it is read; all but ``.tgz`` may be followed by ``.gz``."""

SCHEMA = pa.schema([("number", pa.int64()), ("caption", pa.string()), ("where", pa.string())])
_BATCH = 100_000
_BATCH_CHARACTERS = 16 << 20
_GROUP_ROWS = 500_000
_SHIFT = 32
_NAMES = ("caption", "captions", "text", "texts", "title", "alt", "alt_text", "sentence", "prompt")


@dataclass(frozen=True)
class Shard:
    """A part of a corpus that is read in one go.

    Args:
        number: place in the corpus, from 0.
        path: the file.
        kind: one of the values of ``KINDS``.
        bytes: size on disk, for showing progress.
        groups: of Parquet: first row group and the one behind the last; (0, 0) for all.
        first_row: of Parquet: row of the file at which the shard begins.
    """

    number: int
    path: Path
    kind: str
    bytes: int
    groups: tuple[int, int] = (0, 0)
    first_row: int = 0


@dataclass(frozen=True)
class Corpus:
    """Captions in files; ``open_corpus`` makes one.

    A caption's number is ``shard * 2**32 + line - 1``, where the line is that of a text, the row
    of a Parquet file or the member of a tar, from 1: the same in every reading.

    Args:
        shards: in order.
        column: name of the column or field, or its number from 1 in CSV files without a line of
            names; None finds it by name.
    """

    shards: tuple[Shard, ...]
    column: str | int | None = None

    @cached_property
    def key(self) -> str:
        """Version by paths, sizes and times of the files: 16 hexadecimal digits."""
        told = [
            (str(each.path), each.bytes, each.groups, each.path.stat().st_mtime_ns)
            for each in self.shards
        ]
        text = repr((self.column, told))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    def batches(
        self, part: int = 0, parts: int = 1, report: Report | None = None
    ) -> Iterator[pa.Table]:
        """Captions of every ``parts``-th shard, beginning with shard ``part``; see ``read``."""
        for shard in self.shards[part::parts]:
            yield from self.read(shard, report)

    def read(self, shard: Shard, report: Report | None = None) -> Iterator[pa.Table]:
        """Captions of one shard in tables of number (int64), caption and where (both string).

        ``where`` is ``path:line``, or ``path/member`` in a tar. Empty captions are given out too;
        lines, rows and members that cannot be read are left out, in Parquet left empty.

        Args:
            shard: one of ``shards``.
            report: takes the counts and the problems.

        Raises:
            InputError: without a report, the first problem.
        """
        noted = report if report is not None else Report()
        known = noted.found
        for table in self._tables(shard, noted):
            if report is None and noted.found > known:
                break
            noted.captions += len(table)
            noted.empty += pc.sum(pc.equal(pc.utf8_trim_whitespace(table["caption"]), "")).as_py()
            yield table
        if report is None and noted.found > known:
            problem = noted.problems[known]
            do = "Mend the file, or count with a report, which notes problems and goes on."
            raise InputError(str(problem), do=do)

    def where(self, number: int) -> str:
        """``path:line`` of a caption by its number."""
        shard, line = divmod(number, 1 << _SHIFT)
        if not 0 <= shard < len(self.shards):
            expected = f"a number of one of {len(self.shards)} shards"
            raise InputError("caption", expected=expected, got=str(number))
        return f"{self.shards[shard].path}:{line + 1}"

    def _tables(self, shard: Shard, report: Report) -> Iterator[pa.Table]:
        path, column = shard.path, self.column
        if shard.kind in ("parquet", "csv", "tsv") and column is None:
            column = _found_column(path, shard.kind, report)
            if column is None:
                return
        if shard.kind == "parquet":
            yield from _parquet_tables(shard, str(column), report)
            return
        if shard.kind == "tar":
            yield from _tar_tables(shard, None if column is None else str(column), report)
            return
        for places, texts, _ in _batched((*row, "") for row in _text_rows(shard, column, report)):
            yield _table(shard, places, texts)


def _tar_tables(shard: Shard, column: str | None, report: Report) -> Iterator[pa.Table]:
    for numbers, texts, names in _batched(tar_rows(shard.path, report, column=column)):
        yield _table(shard, numbers, texts, [f"{shard.path}/{name}" for name in names])


def _batched(
    rows: Iterator[tuple[int, str, str]],
) -> Iterator[tuple[list[int], list[str], list[str]]]:
    """Rows as columns, so many at once that neither their number nor their length is too large."""
    numbers: list[int] = []
    texts: list[str] = []
    names: list[str] = []
    size = 0
    for number, text, name in rows:
        numbers.append(number)
        texts.append(text)
        names.append(name)
        size += len(text)
        if len(texts) == _BATCH or size >= _BATCH_CHARACTERS:
            yield numbers, texts, names
            numbers, texts, names, size = [], [], [], 0
    if texts:
        yield numbers, texts, names


def _text_rows(shard: Shard, column: str | int | None, report: Report) -> Iterator[Row]:
    path = shard.path
    if shard.kind == "txt":
        return lines(path, report)
    if shard.kind == "jsonl":
        return json_rows(path, report, column="caption" if column is None else str(column))
    delimiter = "\t" if shard.kind == "tsv" else ","
    return csv_rows(path, report, column=column or 1, delimiter=delimiter)


def _parquet_tables(shard: Shard, column: str, report: Report) -> Iterator[pa.Table]:
    for row, captions in parquet_rows(
        shard.path,
        report,
        column=column,
        groups=shard.groups,
        first=shard.first_row,
        size=_BATCH,
    ):
        rows = pa.array(range(row + 1, row + len(captions) + 1), pa.int64())
        yield _table(shard, rows, captions.fill_null(""))


def _table(
    shard: Shard,
    places: Sequence[int] | pa.Array,
    captions: Sequence[str] | pa.Array,
    where: Sequence[str] | None = None,
) -> pa.Table:
    at = pa.array(places, pa.int64())
    number = pc.add(at, (shard.number << _SHIFT) - 1)
    path = pa.scalar(f"{shard.path}:")
    names = where or pc.binary_join_element_wise(path, at.cast(pa.string()), "")
    return pa.table([number, pa.array(captions, pa.string()), names], schema=SCHEMA)


def _found_column(path: Path, kind: str, report: Report) -> str | None:
    """The column of captions by its name, or the only one; notes it where there is none."""
    names = _columns(path, kind)
    for wanted in _NAMES:
        for name in names:
            if name.strip().lower() == wanted:
                return name
    if len(names) == 1:
        return names[0]
    told = ", ".join(names) or "none that can be read"
    report.add(str(path), 1, f"no column has a name that says caption; there are {told}")
    return None


def _columns(path: Path, kind: str) -> list[str]:
    if kind != "parquet":
        return header(path, "\t" if kind == "tsv" else ",")
    try:
        with opened_parquet(path) as file:
            return list(file.schema_arrow.names)
    except PARQUET_ERRORS:
        return []


def open_corpus(
    paths: Path | str | Sequence[Path | str], column: str | int | None = None
) -> Corpus:
    """The captions in files, folders (their files, by name) and patterns with a ``*``.

    Args:
        paths: one or many. The order counts: it numbers the captions.
        column: see ``Corpus``. JSON lines and tars have no names to search: without it, the field
            ``caption`` and the ``.txt`` members are read.

    Raises:
        InputError: a path that does not exist, a kind of file that cannot be read, no file at
            all, or a first file without that column.
    """
    given = [paths] if isinstance(paths, Path | str) else list(paths)
    files = [file for each in given for file in _files(Path(each))]
    if not files:
        raise InputError("corpus", expected="at least one file of captions", got="none")
    shards = [shard for file in files for shard in _shards(file)]
    corpus = Corpus(tuple(replace(s, number=n) for n, s in enumerate(shards)), column)
    _check_column(corpus.shards[0], column)
    return corpus


def _files(path: Path) -> list[Path]:
    if "*" in path.name and not path.exists():
        found = sorted(path.parent.glob(path.name))
    elif path.is_dir():
        found = sorted(each for each in path.iterdir() if _kind(each) and each.is_file())
    else:
        found = [path] if path.is_file() else []
    if not found:
        expected = f"a file, or a folder or pattern with files of {', '.join(KINDS)}"
        raise InputError(f"{path}", expected=expected, got="none such")
    for each in found:
        if _kind(each) is None:
            expected = f"one of {', '.join(KINDS)}, or one of them and .gz"
            raise InputError(f"{each}", expected=expected, got=each.suffix or "no ending")
    return found


def _kind(path: Path) -> str | None:
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return KINDS.get(plain.suffix.lower())


def _shards(path: Path) -> list[Shard]:
    whole = Shard(0, path, _kind(path) or "", path.stat().st_size)
    if whole.kind != "parquet" or path.suffix.lower() == ".gz":
        return [whole]
    try:
        with opened_parquet(path) as file:
            sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    except PARQUET_ERRORS:  # said when the shard is read
        return [whole]
    shards: list[Shard] = []
    begin = row = 0
    for end in range(1, len(sizes) + 1):
        rows = sum(sizes[begin:end])
        if rows >= _GROUP_ROWS or end == len(sizes):
            size = whole.bytes * (end - begin) // len(sizes)
            shards.append(replace(whole, bytes=size, groups=(begin, end), first_row=row))
            begin, row = end, row + rows
    return shards or [whole]


def _check_column(shard: Shard, column: str | int | None) -> None:
    """Say before a long count begins that its first file has no such column."""
    if shard.kind not in ("csv", "tsv", "parquet"):
        return
    names = _columns(shard.path, shard.kind)
    if column is None:
        report = Report()
        missing = _found_column(shard.path, shard.kind, report) is None
    else:
        missing = column_place(column, names) is None
    if missing and names:
        expected = f"one of {', '.join(names)}"
        got = repr(column) if column is not None else "no column name that says caption"
        raise InputError(f"{shard.path}", expected=expected, got=got, do="Name the column.")
