"""Classes: every class of a run with its figures; a click opens the class and its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import class_texts, predicted, rename
from workbench.api import ZeroShotRun
from workbench.plots import classes as figures

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_SHOWN = (
    "name", "accuracy", "n", "captions", "low", "high", "precision", "recall", "f1", "ece",
    "confused_name", "confused_count",
)  # fmt: skip
_HELP = {
    "n": "Images of the class.",
    "precision": "Share of the images predicted as this class that are of it.",
    "recall": "Share of the class's images that were found; the same as its accuracy.",
    "f1": "Harmonic mean of precision and recall.",
    "ece": "Gap between confidence and accuracy among the images predicted as this class.",
}


def draw(run: ZeroShotRun) -> None:
    """Draw the tab."""
    table, counted = _with_frequency(run)
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        _rank(run, table)
        _table(table, counted)
    with right:
        _open(run, table)


def _with_frequency(run: ZeroShotRun) -> tuple[pa.Table, str]:
    """The classes, with how often captions name each where that was counted; and by which rule."""
    import pyarrow as pa

    table, found = api().run_classes(run.key), api().class_frequency(run.key)
    if found is None:
        return table, ""
    counted, captions = found
    return table.append_column("captions", pa.array(captions)), counted


def _rank(run: ZeroShotRun, table: pa.Table) -> None:
    """All classes from the worst to the best; a click opens one."""
    figure = _figure(run.key, table)

    def clicked(point: Mapping[str, Any] | None) -> None:
        _choose(int(point["customdata"][0]) if point and "customdata" in point else None)

    chart(figure, key="classes.rank", on_click=clicked)
    rows = [
        {"class": name, "accuracy": value}
        for name, value in zip(
            table["name"].to_pylist(), table["accuracy"].to_pylist(), strict=True
        )
    ]
    name = f"{run.dataset}-{run.model}-{run.head}-classes"
    with st.container(horizontal=True, gap="small"):
        figure_export(figure, chart="classes.rank", name=name, rows=rows)
        export.table(lambda: table, name=name, key="classes.export")


@st.cache_resource(max_entries=20, show_spinner=False)
def _figure(key: str, _table: pa.Table) -> Figure:
    values = _table["accuracy"].to_pylist()
    accuracies = [float("nan") if value is None else value for value in values]
    return figures.rank_accuracy(_table["name"].to_pylist(), accuracies)


def _table(table: pa.Table, counted: str) -> None:
    shown = table.select([name for name in _SHOWN if name in table.column_names])

    def selected() -> None:
        rows = st.session_state["classes.table"].selection.rows
        _choose(rows[0] if rows else None)

    st.dataframe(
        shown,
        hide_index=True,
        height=430,
        key="classes.table",
        column_config=_columns(counted),
        selection_mode="single-row",
        on_select=selected,
    )
    empty = sum(1 for n in table["n"].to_pylist() if not n)
    words = f"{amounts.count(table.num_rows)} classes"
    if empty:
        words += f", {amounts.count(empty)} of them without an image here"
    st.caption(f"{words}. Click a row or a point; low and high are the 95% interval (Wilson).")


def _columns(counted: str) -> dict[str, Any]:
    def share(label: str, name: str) -> Any:
        return st.column_config.NumberColumn(label, format="percent", help=_HELP.get(name))

    return {
        "name": st.column_config.TextColumn("class", pinned=True),
        "accuracy": st.column_config.ProgressColumn("accuracy", format="percent", color="auto"),
        "n": st.column_config.NumberColumn("images", help=_HELP["n"]),
        "captions": st.column_config.NumberColumn(
            "captions", format="localized", help=f"Captions that name the class: {plain(counted)}."
        ),
        "low": share("low", "low"),
        "high": share("high", "high"),
        "precision": share("precision", "precision"),
        "recall": share("recall", "recall"),
        "f1": st.column_config.NumberColumn("F1", format="%.3f", help=_HELP["f1"]),
        "ece": st.column_config.NumberColumn("ECE", format="%.3f", help=_HELP["ece"]),
        "confused_name": "most often taken for",
        "confused_count": st.column_config.NumberColumn("times"),
    }


def _choose(index: int | None) -> None:
    st.session_state.pop("at", None)
    url.write(**{"class": index, "at": None})


def _open(run: ZeroShotRun, table: pa.Table) -> None:
    """The chosen class; the worst one with images when none is."""
    index = url.read_int("class", -1)
    if not 0 <= index < table.num_rows:
        index = _worst(table)
    record = table.slice(index, 1).to_pylist()[0]
    st.subheader(plain(record["name"]))
    _facts(record)
    way = st.segmented_control(
        "Images",
        ["Missed", "False alarms", "Right"],
        default="Missed",
        required=True,
        key="side",
        bind="query-params",
        label_visibility="collapsed",
    )
    conditions, words = _conditions(index, way or "")
    asked = predicted.Asked(run, conditions)
    predicted.draw(asked, words, key="class", part=paging.Part(12, "small"), param="at")
    rename.draw(run, index, str(record["name"]))
    class_texts.draw(run, index)


def _worst(table: pa.Table) -> int:
    pairs = zip(table["accuracy"].to_pylist(), table["n"].to_pylist(), strict=True)
    values = [value if n else 2.0 for value, n in pairs]
    return values.index(min(values))


def _facts(record: Mapping[str, Any]) -> None:
    if not record["n"]:
        st.caption("No image of this class is in the dataset.")
        return
    words = (
        f"**{record['accuracy']:.1%}** of {amounts.noun(record['n'], 'image')} right "
        f"({100 * record['low']:.0f} to {100 * record['high']:.0f}%)"
    )
    if record.get("confused_name"):
        taken = plain(record["confused_name"])
        words += f"; taken for {taken} most often, {amounts.count(record['confused_count'])} times"
    st.markdown(f"{words}.")


def _conditions(index: int, way: str) -> tuple[dict[str, Any], str]:
    if way == "False alarms":
        return {"predicted": index, "correct": False}, "are of another class and taken for it"
    if way == "Right":
        return {"truth": index, "correct": True}, "are of the class and right"
    return {"truth": index, "correct": False}, "are of the class and taken for another"
