"""Rows of a CSV or TSV file, with values of the kind that all of a column's cells have."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.importers.rows import BadRow, unique_names

__all__ = ["CsvRows"]

_DELIMITERS = (",", "\t", ";", "|")
_CELL_LIMIT = 16 * 2**20
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|NaN")
_BOOLEANS = {"true": True, "false": False}
_LOOK = 1000

csv.field_size_limit(_CELL_LIMIT)  # Python's own limit of 128 KiB refuses long captions


@dataclass(frozen=True)
class CsvRows:
    """A text table with a header line; commas, tabs, semicolons or bars, whichever it uses most.

    Bytes that are no UTF-8 survive as lone surrogates, so that a path still opens. A column is
    boolean, integer or number when every cell that is not empty is; ``007`` is a text. An empty
    cell is None.
    """

    path: Path
    binary: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def class_names(self) -> Mapping[str, list[str]]:
        """None: the format cannot say."""
        return {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The cells of the first line."""
        header = next(self._cells(), [])
        if isinstance(header, BadRow) or not header:
            raise InputError(f"{self.path}", expected="a header line with column names")
        return unique_names(header)

    def rows(self, *, typed: bool = True) -> Iterator[Mapping[str, Any] | BadRow]:
        """Rows below the header; untyped, kinds are judged from the first 1,000 rows."""
        convert = self._kinds(None if typed else _LOOK)
        for row in self._text_rows():
            if isinstance(row, BadRow):
                yield row
                continue
            pairs = zip(self.names, convert, row, strict=True)
            yield {name: kind(cell) if cell else None for name, kind, cell in pairs}

    def size(self) -> int | None:
        """Unknown."""
        return None

    def _cells(self) -> Iterator[list[str] | BadRow]:
        with self.path.open(newline="", encoding=self._encoding, errors="surrogateescape") as file:
            reader = csv.reader(file, delimiter=self._delimiter)
            while True:
                try:
                    row = next(reader, None)
                except csv.Error as error:
                    yield BadRow("", f"not readable as CSV ({error})")
                    continue
                if row is None:
                    return
                if row:
                    yield row

    def _text_rows(self) -> Iterator[list[str] | BadRow]:
        cells = self._cells()
        next(cells, None)
        width = len(self.names)
        for number, row in enumerate(cells):
            if isinstance(row, BadRow):
                yield BadRow(str(number), row.reason)
            elif len(row) > width:
                yield BadRow(str(number), f"{len(row)} cells, but there are {width} columns")
            else:
                yield row + [""] * (width - len(row))

    def _kinds(self, limit: int | None) -> tuple[Callable[[str], Any], ...]:
        """For each column the conversion that all its cells (of the first rows) allow."""
        left = [list(_KINDS) for _ in self.names]
        open_columns = set(range(len(self.names)))
        for number, row in enumerate(self._text_rows()):
            if not open_columns or (limit is not None and number >= limit):
                break
            if isinstance(row, BadRow):
                continue
            for i in tuple(open_columns):
                if row[i]:
                    left[i] = [kind for kind in left[i] if kind[0](row[i])]
                    if not left[i]:
                        open_columns.discard(i)
        seen_all_kinds = len(_KINDS)
        return tuple(
            kinds[0][1] if kinds and len(kinds) < seen_all_kinds else str for kinds in left
        )

    @cached_property
    def _encoding(self) -> str:
        with self.path.open("rb") as file:
            head = file.read(2)
        return "utf-16" if head in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"

    @cached_property
    def _delimiter(self) -> str:
        with self.path.open(encoding=self._encoding, errors="surrogateescape") as file:
            header = file.readline(_CELL_LIMIT)
        return max(_DELIMITERS, key=header.count)


def _is_boolean(cell: str) -> bool:
    return cell.lower() in _BOOLEANS


def _boolean(cell: str) -> bool:
    return _BOOLEANS[cell.lower()]


def _is_integer(cell: str) -> bool:
    return _INTEGER.fullmatch(cell) is not None


def _is_number(cell: str) -> bool:
    # 007 is a name, 0.07 is a number.
    return _NUMBER.fullmatch(cell) is not None and not re.match(r"[+-]?0\d", cell)


_KINDS: tuple[tuple[Callable[[str], bool], Callable[[str], Any]], ...] = (
    (_is_boolean, _boolean),
    (_is_integer, int),
    (_is_number, float),
)
