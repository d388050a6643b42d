"""What went wrong while a corpus was read: where, why, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Problem", "Report"]

_KEPT = 100


@dataclass(frozen=True)
class Problem:
    """Something in a file that could not be read; reading went on behind it.

    Args:
        file: path of the file.
        line: line of a text, row of a Parquet file, member of a tar, from 1; 0 for the file.
        reason: what was found, and what became of it.
    """

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}{f', line {self.line}' if self.line else ''}: {self.reason}"


@dataclass
class Report:
    """Filled while a corpus is read.

    Args:
        captions: captions given out, empty ones included.
        empty: how many of them were empty.
        found: problems in all.
        problems: the first 100 of them.
    """

    captions: int = 0
    empty: int = 0
    found: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, file: str, line: int, reason: str) -> None:
        """Note a problem."""
        self.found += 1
        if len(self.problems) < _KEPT:
            self.problems.append(Problem(file, line, reason))

    def merge(self, other: Report) -> None:
        """Add the report on a further part."""
        self.captions += other.captions
        self.empty += other.empty
        self.found += other.found
        self.problems = [*self.problems, *other.problems][:_KEPT]

    def to_json(self) -> dict[str, Any]:
        """As JSON-like data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """The report that ``to_json`` gave."""
        problems = [Problem(**each) for each in data["problems"]]
        return cls(data["captions"], data["empty"], data["found"], problems)
