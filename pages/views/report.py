"""What a dataset is made of: labels, columns, sizes, formats, duplicates, what was skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, filters
from pages.shared.chart import chart
from pages.shared.handle import api
from workbench.filters import Filter
from workbench.plots import bars
from workbench.types import Column, DatasetInfo

if TYPE_CHECKING:
    from store.report import DatasetReport

__all__ = ["draw"]


def draw(info: DatasetInfo) -> None:
    """Draw the tab."""
    report = api().report(info.name)
    _numbers(report)
    _values(info)
    left, right = st.columns(2, gap="large")
    with left:
        _pictures(info, report)
        _captions(report)
    with right:
        _columns(report)
        _duplicates(info, report)
        _skipped(info)


def _numbers(report: DatasetReport) -> None:
    with st.container(horizontal=True, gap="large"):
        st.metric("Items", amounts.count(report.items), width="content")
        st.metric("Captions", amounts.count(report.captions), width="content")
        st.metric("Labels", amounts.count(report.label_count), width="content")
        st.metric(
            "Size", amounts.size(report.bytes), help="Of the image files, in all.", width="content"
        )
        st.metric(
            "Exact duplicates",
            amounts.count(report.duplicate_items),
            help="Items whose image bytes equal those of an earlier item.",
            width="content",
        )
        st.metric("Skipped", amounts.count(report.skipped), width="content")


def _values(info: DatasetInfo) -> None:
    """The most frequent values of a column; a click on a bar opens its images."""
    columns = {c.name: c for c in api().columns(info.name) if c.distinct > 1}
    if not columns:
        return
    names = sorted(columns, key=lambda name: name != "label")
    name = st.selectbox("Values of", names, key="of", bind="query-params", width=240)
    column = columns.get(str(name), columns[names[0]])
    if column.kind in ("integer", "number") and column.distinct > 30:
        _spread(info, column)
    else:
        _frequent(info, column)


def _frequent(info: DatasetInfo, column: Column) -> None:
    counts = api().facets(info.name, column.name, limit=60)
    rows = [{"value": value, "items": items} for value, items in counts if value is not None]

    def clicked(point: Mapping[str, Any] | None) -> None:
        if point is not None:
            value = rows[point["point_index"]]["value"]
            op = "has" if column.kind == "list" else "in"
            _browse(Filter(column.name, op, value if op == "has" else (value,)))

    figure = bars.counts([(str(row["value"]), row["items"]) for row in rows])
    name = f"{info.name}-{column.name}"
    chart(figure, key="report.values", name=name, rows=rows, on_click=clicked)
    if column.distinct > len(rows):
        shown, all_of_them = amounts.count(len(rows)), amounts.count(column.distinct)
        st.caption(
            f"The {shown} most frequent of {all_of_them} values. Click a bar to see its images."
        )
    else:
        st.caption("Click a bar to see its images.")


def _spread(info: DatasetInfo, column: Column) -> None:
    edges, counts = api().histogram(info.name, column.name, bins=40)

    def clicked(point: Mapping[str, Any] | None) -> None:
        if point is not None:
            nth = point["point_index"]
            _browse(
                Filter(column.name, ">=", edges[nth]), Filter(column.name, "<=", edges[nth + 1])
            )

    figure = bars.spread(edges, counts)
    rows = [
        {"from": low, "to": high, "items": count}
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]
    name = f"{info.name}-{column.name}"
    chart(figure, key="report.spread", name=name, rows=rows, on_click=clicked)
    st.caption("Click a bar to see its images.")


def _browse(*conditions: Filter) -> None:
    """Show the items that meet these conditions, in the first tab."""
    filters.only(*conditions)
    st.session_state["tab"] = "Browse"


def _pictures(info: DatasetInfo, report: DatasetReport) -> None:
    st.subheader("Pictures")
    if not report.images:
        st.caption("This dataset has no pictures.")
        return
    ends = [_pixels(size) for size in (report.smallest, report.largest) if size is not None]
    if len(ends) == 2:
        st.caption(f"Between {ends[0]} and {ends[1]} pixels.")
    rows = [{"format": name, "items": count} for name, count in report.formats]
    st.dataframe(rows, hide_index=True, key="report.formats", height="content")
    sizes = [{"width": w, "height": h, "items": n} for w, h, n in report.sizes]
    st.dataframe(sizes, hide_index=True, key="report.sizes", height=_height(sizes))


def _pixels(size: tuple[int, int]) -> str:
    return f"{amounts.count(size[0])} × {amounts.count(size[1])}"


def _height(rows: Sequence[object]) -> Any:
    return "content" if len(rows) <= 8 else 300


def _captions(report: DatasetReport) -> None:
    if report.captions:
        st.subheader("Captions an item")
        rows = [{"captions": n, "items": items} for n, items in report.captions_per_item]
        st.dataframe(rows, hide_index=True, key="report.captions", height=_height(rows))


def _columns(report: DatasetReport) -> None:
    st.subheader("Columns")
    rows = [
        {"column": c.name, "kind": c.kind, "distinct": c.distinct, "missing": c.missing}
        for c in report.columns
    ]
    st.dataframe(rows, hide_index=True, key="report.columns", height=_height(rows))


def _duplicates(info: DatasetInfo, report: DatasetReport) -> None:
    if not report.duplicates:
        return
    st.subheader("Exact duplicates")
    rows = [{"image digest": digest, "items": count} for digest, count in report.duplicates]
    st.caption("Choose a row to see its items.")
    chosen = st.dataframe(
        rows,
        hide_index=True,
        key="report.duplicates",
        height=_height(rows),
        on_select="rerun",
        selection_mode="single-row",
    )
    if chosen.selection.rows:
        digest = report.duplicates[chosen.selection.rows[0]][0]
        condition = Filter("digest", "=", digest)
        st.button("See these items", on_click=_browse, args=(condition,))


def _skipped(info: DatasetInfo) -> None:
    if not info.skipped:
        return
    st.subheader("Skipped at import")
    found = api().skipped(info.name)
    st.dataframe(found.slice(0, 500), hide_index=True, key="report.skipped", height=260)
    if found.num_rows > 500:
        st.caption(f"The first 500 of {amounts.count(found.num_rows)}; the export has all.")
    name = f"{info.name}-skipped"
    export.table(lambda: api().skipped(info.name), name=name, key="report.skipped.export")
