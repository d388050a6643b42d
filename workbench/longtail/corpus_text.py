"""Captions from text files: one a line, a column of a CSV or TSV, a field of JSON lines.

Files are read in blocks. A line of more than 1 MB is skipped and never held as a whole, lines that
are no UTF-8 are skipped, and where a gzip file is broken, what comes before is read.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from workbench.longtail.corpus_report import Report

__all__ = ["LONGEST", "Row", "column_place", "csv_rows", "header", "json_rows", "open_bytes"]

LONGEST = 1 << 20
"""Bytes of a line, or of one record of a CSV file; longer ones are skipped."""

Row = tuple[int, str]
"""Number of a line, from 1, and the caption that stands there."""

_BLOCK = 1 << 18
_BREAK = b"\0broken"
_BROKEN = (EOFError, OSError, zlib.error)
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}

csv.field_size_limit(max(csv.field_size_limit(), 16 << 20))  # records are limited by LONGEST


def open_bytes(path: Path) -> IO[bytes]:
    """The content of a file, unpacked when its name ends in .gz."""
    packed = path.suffix.lower() in (".gz", ".tgz")
    return cast("IO[bytes]", gzip.open(path, "rb") if packed else path.open("rb"))


def lines(path: Path, report: Report) -> Iterator[Row]:
    """Lines of a file without their ends; problems are noted and their lines left out."""
    number = 1
    for piece in _pieces(path, report):
        if isinstance(piece, int):
            report.add(str(path), number, f"a line of {piece:,} bytes is skipped")
            number += 1
            continue
        if number == 1 and (kind := _MARKS.get(piece[:2])):
            report.add(str(path), 1, f"the file is {kind}, expected UTF-8; it is not read")
            return
        yield from _decoded(path, number, piece.removeprefix(b"\xef\xbb\xbf"), report)
        number += piece.count(b"\n") + 1


def _pieces(path: Path, report: Report) -> Iterator[bytes | int]:
    """Some whole lines joined by line ends, or the length of one that is too long."""
    rest, over, seen = b"", 0, 1
    with open_bytes(path) as file:
        while block := _read(file, path, seen, report):
            if block is _BREAK:
                return  # what is left of a line is no caption
            seen += block.count(b"\n")
            if over:
                end = block.find(b"\n")
                over += len(block) if end < 0 else end
                if end < 0:
                    continue
                yield over
                over, block = 0, block[end + 1 :]
            whole, end_found, tail = block.rpartition(b"\n")
            if end_found:
                yield from _sized(rest + whole)
                rest = tail
            else:
                rest += tail
            if len(rest) > LONGEST:
                rest, over = b"", len(rest)
    if over:
        yield over
    elif rest:
        yield rest


def _sized(piece: bytes) -> Iterator[bytes | int]:
    """Split off a first line that is too long; the others are shorter than a block."""
    first, found, others = piece.partition(b"\n")
    if len(first) <= LONGEST:
        yield piece
        return
    yield len(first)
    if found:
        yield others


def _read(file: IO[bytes], path: Path, line: int, report: Report) -> bytes:
    try:
        # read1 gives what was unpacked before a break; read would lose it
        return file.read1(_BLOCK)  # type: ignore[attr-defined, no-any-return]
    except _BROKEN as error:
        what = f"the file is broken here ({error}); it is read up to this line"
        report.add(str(path), line, what)
        return _BREAK


def _decoded(path: Path, number: int, piece: bytes, report: Report) -> Iterator[Row]:
    try:
        texts = piece.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        yield from _one_by_one(path, number, piece, report)
        return
    for line, text in enumerate(texts, start=number):
        yield line, text.removesuffix("\r")


def _one_by_one(path: Path, number: int, piece: bytes, report: Report) -> Iterator[Row]:
    for line, data in enumerate(piece.split(b"\n"), start=number):
        try:
            yield line, data.decode("utf-8").removesuffix("\r")
        except UnicodeDecodeError as error:
            what = f"not UTF-8 (byte {data[error.start]:#04x} at place {error.start + 1})"
            report.add(str(path), line, f"{what}; the line is skipped")


def header(path: Path, delimiter: str) -> list[str]:
    """The cells of the first line of a CSV file; none where it cannot be read."""
    for _, line in lines(path, Report()):
        return next(csv.reader([line], delimiter=delimiter), [])
    return []


def column_place(column: str | int, names: list[str]) -> int | None:
    """Place of a column by its name, or by its number from 1; None where there is none."""
    if isinstance(column, int):
        return column - 1
    return names.index(column) if column in names else None


class _Feed:
    """Lines for the CSV reader; stops a record that does not end in time."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self.rows, self.first, self.line = rows, 0, 0
        self.start()

    def start(self) -> None:
        """A new record begins."""
        self.first, self.size, self.quotes = 0, 0, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.line, text = next(self.rows)
        self.first = self.first or self.line
        self.size += len(text) + 1
        self.quotes += text.count('"')
        if self.size > LONGEST and self.first != self.line:
            raise _TooLong
        return text + "\n"


class _TooLong(Exception):
    pass


def csv_rows(path: Path, report: Report, *, column: str | int, delimiter: str) -> Iterator[Row]:
    """One column of a CSV file; the line of a row is where its record begins.

    Args:
        path: the file.
        report: where problems are noted.
        column: name in the first line, or number from 1 where there is no line of names.
        delimiter: between cells.
    """
    feed = _Feed(lines(path, report))
    records = _records(path, feed, csv.reader(feed, delimiter=delimiter), report)
    names: list[str] = [] if isinstance(column, int) else next(records, (0, []))[1]
    place = column_place(column, names)
    if place is None:
        report.add(str(path), 1, f"no column {column!r}; there are {', '.join(names) or 'none'}")
        return
    for line, cells in records:
        if len(cells) > place:
            yield line, cells[place]
        elif cells:
            what = f"{len(cells)} cells, expected at least {place + 1}; the row is skipped"
            report.add(str(path), line, what)


def _records(
    path: Path, feed: _Feed, reader: Iterator[list[str]], report: Report
) -> Iterator[tuple[int, list[str]]]:
    while True:
        feed.start()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_TooLong, csv.Error) as error:
            why = str(error) or "a quotation mark is not closed within 1 MB"
            report.add(
                str(path), feed.first, f"{why}; lines {feed.first} to {feed.line} are skipped"
            )
            continue
        if feed.quotes % 2 and feed.first != feed.line:
            report.add(str(path), feed.first, "a quotation mark is not closed; the rest is skipped")
            return
        yield feed.first, cells


def json_rows(path: Path, report: Report, *, column: str | None) -> Iterator[Row]:
    """One field of JSON lines, or the line itself where it is a text; null is an empty caption.

    Args:
        path: the file.
        report: where problems are noted.
        column: name of the field; None where each line is a text.
    """
    for line, text in lines(path, report):
        if not text.strip():
            continue
        try:
            yield line, json_text(json.loads(text), column)
        except (ValueError, RecursionError) as error:
            report.add(str(path), line, f"{error}; the line is skipped")


def json_text(value: Any, column: str | None) -> str:
    """The caption in a JSON value.

    Raises:
        ValueError: there is none.
    """
    if column is not None and isinstance(value, dict):
        if column not in value:
            raise ValueError(f"no field {column!r}; there are {', '.join(value) or 'none'}")
        value = value[column]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} where a text was expected")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("a text with half a character (a lone surrogate)") from None
    return value


Reader = Callable[[Path, Report], Iterator[Row]]
