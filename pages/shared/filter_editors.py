"""How a column of each kind is filtered: facets for text, a range for numbers, and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.shared import amounts, url
from pages.shared.handle import api
from workbench.filters import Filter, Filters
from workbench.types import Column

__all__ = ["edit"]

_FACETS = 200
_GAPS = {"any": None, "missing": "is null", "present": "not null"}


def edit(dataset: str, column: Column, where: Filters, key: str) -> None:
    """Draw the widgets of one column; what they say becomes the view's filters at once.

    Args:
        dataset: whose values are offered.
        column: the one to filter by.
        where: the view's filters; those on this column are what the widgets show.
        key: prefix of the widgets' keys.
    """
    mine = tuple(condition for condition in where if condition.column == column.name)
    prefix = f"{key}.{dataset}.{column.name}"
    _EDITORS[column.kind](dataset, column, mine, prefix)
    if column.missing:
        _gaps(column, mine, prefix)


def _replace(column: str, *found: Filter) -> None:
    """Make these the only conditions on a column."""
    kept = tuple(condition for condition in url.filters() if condition.column != column)
    url.set_filters((*kept, *found))


def _chosen(mine: Filters) -> list[Any]:
    """The values that the present conditions name."""
    values: list[Any] = []
    for condition in mine:
        if condition.op == "in":
            values += condition.value
        elif condition.op in ("=", "has"):
            values.append(condition.value)
    return values


def _text(dataset: str, column: Column, mine: Filters, prefix: str) -> None:
    many = column.distinct > _FACETS
    counts = dict(api().facets(dataset, column.name, limit=_FACETS))
    counts.pop(None, None)
    chosen = [str(value) for value in _chosen(mine)]
    options = list(dict.fromkeys([*chosen, *(str(value) for value in counts)]))

    def named(value: str) -> str:
        return f"{value}  ({amounts.count(counts[value])})" if value in counts else value

    def changed() -> None:
        values = tuple(st.session_state[f"{prefix}.in"])
        _replace(column.name, *([Filter(column.name, "in", values)] if values else []))

    st.multiselect(
        f"Is one of ({amounts.count(column.distinct)} values)",
        options,
        default=chosen,
        key=f"{prefix}.in",
        format_func=named,
        accept_new_options=many,
        help="The most frequent values; type to add another." if many else None,
        on_change=changed,
    )
    if many:
        _contains(column, mine, prefix)


def _contains(column: Column, mine: Filters, prefix: str) -> None:
    now = next((str(c.value) for c in mine if c.op == "contains"), "")

    def changed() -> None:
        part = st.session_state[f"{prefix}.part"].strip()
        _replace(column.name, *([Filter(column.name, "contains", part)] if part else []))

    st.text_input("Or contains", now, key=f"{prefix}.part", on_change=changed)


def _number(dataset: str, column: Column, mine: Filters, prefix: str) -> None:
    edges, _ = api().histogram(dataset, column.name, bins=1)
    whole = column.kind == "integer"
    low, high = (int(edges[0]), int(edges[-1])) if whole else (float(edges[0]), float(edges[-1]))
    if low == high:
        st.caption("Every item has the same value.")
        return
    at_least = next((c.value for c in mine if c.op == ">="), low)
    at_most = next((c.value for c in mine if c.op == "<="), high)
    now = (max(low, type(low)(at_least)), min(high, type(high)(at_most)))

    def changed() -> None:
        start, stop = st.session_state[f"{prefix}.range"]
        found = [Filter(column.name, ">=", start)] if start > low else []
        found += [Filter(column.name, "<=", stop)] if stop < high else []
        _replace(column.name, *found)

    step = 1 if whole else (high - low) / 200
    st.slider("From, to", low, high, now, step=step, key=f"{prefix}.range", on_change=changed)


def _boolean(dataset: str, column: Column, mine: Filters, prefix: str) -> None:
    now = next((bool(value) for value in _chosen(mine)), None)

    def changed() -> None:
        value = st.session_state[f"{prefix}.is"]
        _replace(column.name, *([] if value is None else [Filter(column.name, "=", value)]))

    st.segmented_control(
        "Is",
        [True, False],
        default=now,
        format_func={True: "true", False: "false"}.get,
        key=f"{prefix}.is",
        on_change=changed,
    )


def _list(dataset: str, column: Column, mine: Filters, prefix: str) -> None:
    counts = dict(api().facets(dataset, column.name, limit=_FACETS))
    chosen = [str(value) for value in _chosen(mine)]
    options = list(dict.fromkeys([*chosen, *(str(value) for value in counts if value is not None)]))

    def changed() -> None:
        values = st.session_state[f"{prefix}.has"]
        _replace(column.name, *(Filter(column.name, "has", value) for value in values))

    st.multiselect(
        "Has all of",
        options,
        default=chosen,
        key=f"{prefix}.has",
        accept_new_options=True,
        on_change=changed,
    )


def _gaps(column: Column, mine: Filters, prefix: str) -> None:
    now = next((name for name, op in _GAPS.items() if op in {c.op for c in mine}), "any")

    def changed() -> None:
        op = _GAPS[st.session_state[f"{prefix}.gap"] or "any"]
        _replace(column.name, *([Filter(column.name, op)] if op else []))

    st.segmented_control(
        f"Missing in {amounts.noun(column.missing, 'item')}",
        list(_GAPS),
        default=now,
        key=f"{prefix}.gap",
        on_change=changed,
    )


_EDITORS: dict[str, Callable[[str, Column, Filters, str], None]] = {
    "text": _text,
    "integer": _number,
    "number": _number,
    "boolean": _boolean,
    "list": _list,
}
