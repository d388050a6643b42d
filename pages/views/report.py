"""What a dataset is made of: labels, columns, sizes, formats, duplicates, what was skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, filters, item, url
from pages.shared.cells import of_records
from pages.shared.chart import chart, figure_export
from pages.shared.grid import grid
from pages.shared.handle import api
from pages.shared.plain import plain
from workbench.filters import Filter, Filters
from workbench.plots import bars
from workbench.types import Column, DatasetInfo

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

# A ``store.report.DatasetReport``: pages take it from the API and know the store by no import.
Report = Any
_BARS = 24
_BESIDE = 24


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


def _numbers(report: Report) -> None:
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
    """How often each value of a column occurs; the images of the clicked bar stand beside it."""
    columns = {c.name: c for c in api().columns(info.name) if c.distinct > 1}
    if not columns:
        return
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        names = sorted(columns, key=lambda name: name != "label")
        name = st.selectbox("Values of", names, key="of", bind="query-params", width=240)
        column = columns.get(str(name), columns[names[0]])
        if column.kind in ("integer", "number") and column.distinct > _BARS:
            first = _spread(info, column)
        else:
            first = _frequent(info, column)
    with right:
        picked = url.filters("picked")
        known = picked and all(condition.column == column.name for condition in picked)
        _behind(info, picked if known else first)


def _frequent(info: DatasetInfo, column: Column) -> Filters:
    counts = api().facets(info.name, column.name, limit=_BARS + 1)
    rows = [{"value": v, "items": n} for v, n in counts if v is not None][:_BARS]
    doors = [(_equals(column, row["value"]),) for row in rows]
    figure = _counts(tuple((str(row["value"]), row["items"]) for row in rows))
    _chart(figure, "report.values", f"{info.name}-{column.name}", rows, doors)
    if column.distinct > len(rows):
        st.caption(f"The {len(rows)} most frequent of {amounts.count(column.distinct)} values.")
    return doors[0] if doors else ()


def _equals(column: Column, value: Any) -> Filter:
    if column.kind == "list":
        return Filter(column.name, "has", value)
    return (
        Filter(column.name, "in", (value,))
        if column.kind == "text"
        else Filter(column.name, "=", value)
    )


def _spread(info: DatasetInfo, column: Column) -> Filters:
    edges, counts = api().histogram(info.name, column.name, bins=40)
    bins = list(zip(edges, edges[1:], counts, strict=False))
    rows = [{"from": low, "to": high, "items": count} for low, high, count in bins]
    doors = [
        (Filter(column.name, ">=", low), Filter(column.name, "<=", high)) for low, high, _ in bins
    ]
    figure = _bins(tuple(edges), tuple(counts), column.name)
    _chart(figure, "report.spread", f"{info.name}-{column.name}", rows, doors)
    return doors[counts.index(max(counts))]


@st.cache_resource(max_entries=50, show_spinner=False)
def _counts(pairs: tuple[tuple[str, int], ...]) -> Figure:
    return bars.counts(pairs)


@st.cache_resource(max_entries=50, show_spinner=False)
def _bins(edges: tuple[float, ...], counts: tuple[int, ...], title: str) -> Figure:
    return bars.spread(edges, counts, title=title)


def _chart(
    figure: Figure,
    key: str,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    doors: Sequence[Filters],
) -> None:
    """A chart whose nth point opens the items that meet the nth conditions."""

    def clicked(point: Mapping[str, Any] | None) -> None:
        if point is not None:
            url.set_filters(doors[point["point_index"]], "picked")

    chart(figure, key=key, on_click=clicked)
    figure_export(figure, chart=key, name=name, rows=rows)


def _behind(info: DatasetInfo, picked: Filters) -> None:
    """The first images that meet these conditions, and the way to all of them."""
    count = api().count(info.name, picked)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = ", ".join(plain(filters.words(condition)) for condition in picked)
        st.markdown(f"**{words}** :gray[{amounts.noun(count, 'item')}]", width="stretch")
        st.button("Browse these", icon=":material/grid_view:", on_click=_browse, args=picked)
    records = api().items(info.name, picked, limit=_BESIDE).to_pylist()
    event = grid(of_records(info, records), key="report.behind", size="small")
    if event is not None:
        item.open_item(info.name, event.row, [int(record["row"]) for record in records])


def _browse(*conditions: Filter) -> None:
    """Show the items that meet these conditions, in the first tab."""
    filters.only(*conditions)
    st.session_state["tab"] = "Browse"


def _pictures(info: DatasetInfo, report: Report) -> None:
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


def _captions(report: Report) -> None:
    if report.captions:
        st.subheader("Captions an item")
        rows = [{"captions": n, "items": items} for n, items in report.captions_per_item]
        st.dataframe(rows, hide_index=True, key="report.captions", height=_height(rows))


def _columns(report: Report) -> None:
    st.subheader("Columns")
    rows = [
        {"column": c.name, "kind": c.kind, "distinct": c.distinct, "missing": c.missing}
        for c in report.columns
    ]
    st.dataframe(rows, hide_index=True, key="report.columns", height=_height(rows))


def _duplicates(info: DatasetInfo, report: Report) -> None:
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
