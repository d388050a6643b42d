"""Filters and searches -> SQL conditions with bound values. The only place that writes them.

Names are quoted by ``quote``; values never become part of the text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.errors import InputError, UnknownName
from workbench.filters import Filter, Filters

__all__ = ["Condition", "Kind", "kind_of", "literal", "order", "quote", "search_texts", "where"]

Kind = Literal["text", "integer", "number", "boolean", "list"]

_TRUE, _FALSE = ("true", "yes", "1", "t"), ("false", "no", "0", "f")
_COMPARE = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Condition:
    """A SQL condition and the values of its ``?`` marks, in order."""

    sql: str = "true"
    values: tuple[Any, ...] = ()

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"({self.sql}) and ({other.sql})", self.values + other.values)


def quote(name: str) -> str:
    """A column or table name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL takes it, for the few places where no value can be bound (views)."""
    return "'" + text.replace("'", "''") + "'"


def kind_of(duckdb_type: str) -> Kind:
    """The kind of a column from its DuckDB type."""
    upper = duckdb_type.upper()
    if upper.endswith("[]"):
        return "list"
    if upper == "BOOLEAN":
        return "boolean"
    if upper in ("DOUBLE", "FLOAT"):
        return "number"
    return "integer" if "INT" in upper else "text"


def where(filters: Filters, kinds: Mapping[str, Kind]) -> Condition:
    """Filters joined by AND.

    A missing value satisfies no comparison, except that ``!=`` keeps it: what is unknown is not
    known to be the value. ``=`` and ``in`` on a list column ask whether it holds the value.

    Args:
        filters: conditions; values are converted to the column's kind.
        kinds: the columns there are.

    Raises:
        UnknownName: a column that does not exist.
        InputError: a value that cannot be of the column's kind, or an operator that does not fit.
    """
    condition = Condition()
    for one in filters:
        name = _column(one.column, kinds)
        condition = condition & _compile(one, quote(name), kinds[name])
    return condition


def order(sort: Sequence[tuple[str, str]], kinds: Mapping[str, Kind]) -> str:
    """An ORDER BY list: missing values last, ties in import order.

    Raises:
        UnknownName: a column that does not exist.
        InputError: a direction other than ``asc`` and ``desc``.
    """
    parts = []
    for column, direction in sort:
        name = _column(column, kinds)
        if direction not in ("asc", "desc"):
            raise InputError(f"sort by {column!r}", expected="'asc' or 'desc'", got=repr(direction))
        parts.append(f"{quote(name)} {direction} nulls last")
    return ", ".join([*parts, "row"])


def search_texts(search: str, columns: Sequence[str], captions: str) -> Condition:
    """Items with ``search`` as a case-insensitive part of a text column or of a caption.

    Args:
        search: any text; ``%`` and ``_`` mean themselves. Empty matches everything.
        columns: text columns to look in.
        captions: the relation of the captions, as SQL.
    """
    if not search:
        return Condition()
    tests = [f"contains(lower({quote(name)}), lower(?))" for name in columns]
    tests.append(f"row in (select item_row from {captions} where contains(lower(text), lower(?)))")
    return Condition(" or ".join(tests), (search,) * len(tests))


def _column(name: str, kinds: Mapping[str, Kind]) -> str:
    if name not in kinds:
        raise UnknownName("column", name, kinds)
    return name


def _compile(one: Filter, column: str, kind: Kind) -> Condition:
    if one.op == "is null" or (one.op == "=" and one.value is None):
        return Condition(f"{column} is null")
    if one.op == "not null" or (one.op == "!=" and one.value is None):
        return Condition(f"{column} is not null")
    if kind == "list":
        return _compile_list(one, column)
    if one.op == "in":
        return _among(one, column, kind)
    return _compare(one, column, kind)


def _compare(one: Filter, column: str, kind: Kind) -> Condition:
    """A single value against a column of single values."""
    fits = {"has": kind == "list", "contains": kind == "text"}
    fits |= dict.fromkeys(_COMPARE, kind != "boolean")
    if not fits.get(one.op, True):
        got = f"{one.op!r} on a {kind} column"
        expected = "an operator that fits the column (has: list; contains: text; <, >: ordered)"
        raise InputError(f"filter on {one.column!r}", expected=expected, got=got)
    value = _convert(one, one.value, kind)
    if one.op == "contains":
        return Condition(f"contains(lower({column}), lower(?))", (value,))
    if one.op == "!=":
        return Condition(f"{column} is distinct from ?", (value,))
    return Condition(f"{column} {one.op} ?", (value,))


def _among(one: Filter, column: str, kind: Kind) -> Condition:
    values = [_convert(one, value, kind) for value in one.value if value is not None]
    tests = [f"{column} in ({', '.join('?' * len(values))})"] if values else []
    if None in one.value:
        tests.append(f"{column} is null")
    return Condition(" or ".join(tests) or "false", tuple(values))


def _compile_list(one: Filter, column: str) -> Condition:
    """Conditions on a list of texts."""
    if one.op == "in":
        values = tuple(str(value) for value in one.value if value is not None)
        tests = [f"list_contains({column}, ?)"] * len(values)
        tests += [f"{column} is null"] * (None in one.value)
        return Condition(" or ".join(tests) or "false", values)
    if one.op in ("has", "="):
        return Condition(f"list_contains({column}, ?)", (str(one.value),))
    if one.op == "!=":
        return Condition(f"not coalesce(list_contains({column}, ?), false)", (str(one.value),))
    if one.op == "contains":
        test = f"len(list_filter({column}, lambda x: contains(lower(x), lower(?)))) > 0"
        return Condition(test, (str(one.value),))
    raise InputError(
        f"filter on {one.column!r}", expected="'has', 'contains', '=' or '!=' on a list column",
        got=repr(one.op),
    )  # fmt: skip


def _convert(one: Filter, value: Any, kind: Kind) -> Any:
    """A value in the column's kind; texts are read as numbers or true/false where needed."""
    try:
        if kind == "text":
            return _as_text(value)
        if kind == "boolean":
            return _as_bool(value)
        return _as_number(value, whole=kind == "integer")
    except (TypeError, ValueError, OverflowError) as error:
        expected = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
        raise InputError(
            f"filter on {one.column!r}", expected=expected.get(kind, "a text"), got=repr(value)
        ) from error


def _as_text(value: Any) -> str:
    if not isinstance(value, (str, int, float)):
        raise TypeError
    return value if isinstance(value, str) else str(value)


def _as_bool(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUE + _FALSE:
        raise ValueError
    return text in _TRUE


def _as_number(value: Any, *, whole: bool) -> int | float:
    """An int where it is one, else a float: ``size > 3.5`` may be asked of whole numbers too."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            value = float(value)
    if isinstance(value, float) and math.isnan(value):
        raise ValueError
    if whole and isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OverflowError
    return value if whole else float(value)
