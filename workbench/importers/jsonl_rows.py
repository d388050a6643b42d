"""Rows of a file with one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.importers.rows import BadRow

__all__ = ["JsonlRows"]

_LOOK = 1000


@dataclass(frozen=True)
class JsonlRows:
    """JSON lines; empty lines are passed over, a line that is no object is a bad row."""

    path: Path
    binary: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def class_names(self) -> Mapping[str, list[str]]:
        """None: the format cannot say."""
        return {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Fields of the first 1,000 rows, in order of appearance."""
        rows = (row for row in islice(self.rows(), _LOOK) if not isinstance(row, BadRow))
        return tuple(dict.fromkeys(name for row in rows for name in row))

    def rows(self, *, typed: bool = True) -> Iterator[Mapping[str, Any] | BadRow]:
        """Every object."""
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = (line for line in file if line.strip())
            for number, line in enumerate(lines):
                yield _row(str(number), line)

    def size(self) -> int | None:
        """Unknown."""
        return None


def _row(key: str, line: str) -> Mapping[str, Any] | BadRow:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadRow(key, f"not JSON ({error})")
    if not isinstance(value, dict):
        return BadRow(key, f"a JSON {type(value).__name__}, not an object")
    return value
