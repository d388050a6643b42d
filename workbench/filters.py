"""Conditions on metadata columns, as data: written in URLs, on command lines and in notebooks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import InputError

__all__ = ["OPERATORS", "Filter", "Filters", "from_json", "parse", "to_json"]

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in", "contains", "has", "is null", "not null")
"""``contains``: case-insensitive part of a text. ``has``: a list column holds the value."""


@dataclass(frozen=True)
class Filter:
    """One condition on one column; several are joined by AND.

    Args:
        column: column name, checked against the table when the filter is used.
        op: one of ``OPERATORS``.
        value: a string, number or boolean; a tuple of them for ``in``; None for the null tests.
    """

    column: str
    op: str
    value: Any = None

    def __post_init__(self) -> None:
        if self.op not in OPERATORS:
            expected = "one of " + ", ".join(OPERATORS)
            raise InputError(f"filter on {self.column!r}", expected=expected, got=repr(self.op))
        if self.op == "in":
            values = self.value
            if isinstance(values, str) or not isinstance(values, Sequence):
                got = type(values).__name__
                raise InputError(f"filter on {self.column!r}", expected="a list of values", got=got)
            object.__setattr__(self, "value", tuple(values))


Filters = tuple[Filter, ...]

_TEXT = re.compile(r"^\s*([^<>=!~\s]+)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*$")


def parse(text: str) -> Filter:
    """Read one condition as typed on the command line: ``style=noto``, ``size>=96``, ``name~cat``.

    ``a=x|y`` means one of x and y; ``~`` means contains; ``a=`` means is null. Values stay
    strings; the store converts them to the column's type.

    Raises:
        InputError: the text is not a condition.
    """
    match = _TEXT.match(text)
    if match is None:
        raise InputError(
            f"filter {text!r}", expected="COLUMN=VALUE, !=, <, <=, >, >= or ~", got=repr(text)
        )
    column, op, value = match.groups()
    if op == "~":
        return Filter(column, "contains", value)
    if value == "" and op in ("=", "!="):
        return Filter(column, "is null" if op == "=" else "not null")
    if op == "=" and "|" in value:
        return Filter(column, "in", tuple(value.split("|")))
    return Filter(column, op, value)


def to_json(filters: Filters) -> str:
    """Filters as compact JSON, ``[["style","in",["noto"]]]``, for a URL or a job's parameters."""
    return json.dumps([[f.column, f.op, f.value] for f in filters], separators=(",", ":"))


def from_json(text: str) -> Filters:
    """Filters from ``to_json``'s form; the empty string gives no filter.

    Raises:
        InputError: not JSON, or not a list of [column, operator, value].
    """
    try:
        entries = json.loads(text or "[]")
        return tuple(Filter(str(column), str(op), value) for column, op, value in entries)
    except (ValueError, TypeError) as error:
        expected = "a JSON list of [column, operator, value]"
        raise InputError("filters", expected=expected, got=repr(text[:80])) from error
