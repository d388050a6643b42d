"""What the readers of CSV, JSON lines and Parquet have in common: rows as mappings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from workbench.importers.importer import Skipped

__all__ = ["BadRow", "TableRows", "unique_names"]


class BadRow(Skipped):
    """A row that cannot be read; its key is the row's number."""


class TableRows(Protocol):
    """One table file, read from its beginning as often as needed."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def names(self) -> tuple[str, ...]:
        """Column names; of JSON lines those of the first rows."""

    @property
    def binary(self) -> tuple[str, ...]:
        """Columns that hold bytes."""

    @property
    def class_names(self) -> Mapping[str, list[str]]:
        """Column -> names that its integers stand for, where the file says so."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns that ``rows`` does not give: lists of numbers."""

    def rows(self, *, typed: bool = True) -> Iterator[Mapping[str, Any] | BadRow]:
        """Every row in order.

        Args:
            typed: False may leave texts unconverted, where converting needs a look at all rows.
        """

    def size(self) -> int | None:
        """Number of rows, where the file knows it."""


def unique_names(names: list[str]) -> tuple[str, ...]:
    """Column names as they are, empty ones as ``column_3``, repeated ones with ``_`` added."""
    taken: list[str] = []
    for number, name in enumerate(names, start=1):
        unique = name.strip() or f"column_{number}"
        while unique in taken:
            unique += "_"
        taken.append(unique)
    return tuple(taken)
