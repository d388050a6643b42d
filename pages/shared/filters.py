"""Filters, search and sort order of a view: one bar, everything in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from pages.shared import url
from pages.shared.filter_editors import edit
from pages.shared.handle import api
from pages.shared.plain import plain, short
from workbench.filters import Filter, Filters

__all__ = ["View", "bar", "chips", "only", "words"]

_IMPORT_ORDER = "import order"
_KEYS = {"item", "row", "digest"}
_SIGNS = {"=": "=", "!=": "≠", "<=": "≤", ">=": "≥", "contains": "contains", "has": "has"}


@dataclass(frozen=True)
class View:
    """Which items of a dataset, in which order.

    Args:
        where: conditions on columns, all of which hold.
        search: part of a text in any column or caption; empty for no such condition.
        sort: (column, direction), empty for import order.
    """

    where: Filters = ()
    search: str = ""
    sort: tuple[tuple[str, Literal["asc", "desc"]], ...] = ()

    @property
    def filtered(self) -> bool:
        """True when not every item is asked for."""
        return bool(self.where or self.search)


def bar(dataset: str, *, key: str, sort: bool = False, find: bool = True) -> View:
    """Draw the bar inside a horizontal container; return what it says. ``chips`` belong below it.

    Args:
        dataset: whose columns are offered.
        key: unique on the page.
        sort: offer a sort order.
        find: offer the free-text search.
    """
    where = _usable(dataset, url.filters())
    search = _find() if find else ""
    order = _sort(dataset) if sort else ()
    _editor(dataset, where, key)
    return View(where, search.strip(), order)


def only(*conditions: Filter) -> None:
    """Make these conditions the whole of the view, without search text and on its first page."""
    url.set_filters(conditions)
    for key in ("find", "page"):
        st.session_state.pop(key, None)


def words(condition: Filter) -> str:
    """A condition as read: ``style: noto, twemoji``, ``width ≥ 96``; not escaped."""
    if condition.op in ("is null", "not null"):
        return f"{condition.column} {'missing' if condition.op == 'is null' else 'present'}"
    if condition.op == "in":
        values = ", ".join(_value(value) for value in condition.value)
        return f"{condition.column}: {short(values, 48)}"
    if condition.op == "=":
        return f"{condition.column}: {short(_value(condition.value), 48)}"
    return f"{condition.column} {_SIGNS.get(condition.op, condition.op)} {_value(condition.value)}"


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _usable(dataset: str, where: Filters) -> Filters:
    """The filters on columns that this dataset has; a link may come from another one."""
    if not where:
        return ()
    known = {column.name for column in api().columns(dataset)} | _KEYS
    kept = tuple(condition for condition in where if condition.column in known)
    if len(kept) < len(where):
        url.set_filters(kept)
    return kept


def _find() -> str:
    typed = st.text_input(
        "Find",
        key="find",
        type="search",
        bind="query-params",
        placeholder="in names, columns and captions",
        width=240,
    )
    return typed or ""


def _sort(dataset: str) -> tuple[tuple[str, Literal["asc", "desc"]], ...]:
    names = [column.name for column in api().columns(dataset) if column.kind != "list"]
    by = st.selectbox(
        "Sort by", [_IMPORT_ORDER, "item", *names], key="sort", bind="query-params", width=180
    )
    down = st.toggle("Descending", key="desc", bind="query-params", disabled=by == _IMPORT_ORDER)
    if by is None or by == _IMPORT_ORDER:
        return ()
    return ((by, "desc" if down else "asc"),)


def _editor(dataset: str, where: Filters, key: str) -> None:
    label = f"Filter ({len(where)})" if where else "Filter"
    with st.popover(
        label, icon=":material/filter_alt:", key=f"{key}.pop", on_change="rerun"
    ) as pop:
        if not pop.open:
            return
        columns = {column.name: column for column in api().columns(dataset)}
        if not columns:
            st.caption("This dataset has no columns to filter by.")
            return
        name = st.selectbox("Column", list(columns), key=f"{key}.column")
        if name is not None:
            edit(dataset, columns[name], where, key)


def chips(view: View, *, key: str) -> None:
    """Draw the conditions of a view as buttons that remove them; nothing when there are none."""
    where = view.where
    if not where:
        return
    with st.container(horizontal=True, gap="xsmall", key=f"{key}.chips"):
        for nth, condition in enumerate(where):
            st.button(
                plain(words(condition)),
                key=f"{key}.chip.{nth}",
                icon=":material/close:",
                icon_position="right",
                help="Remove this filter",
                on_click=_drop,
                args=(nth,),
            )
        if len(where) > 1:
            st.button(
                "Clear all", key=f"{key}.clear", type="tertiary", on_click=_drop, args=(None,)
            )


def _drop(nth: int | None) -> None:
    where = url.filters()
    url.set_filters(() if nth is None else (*where[:nth], *where[nth + 1 :]))
