"""Confusion: which classes are taken for which; a click on a cell shows its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.views import predicted, zero_shot_runs
from workbench.api import ZeroShotRun
from workbench.plots import confusion

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_PAIRS = 200
_NAMED = 32


@dataclass(frozen=True)
class _Matrix:
    """The confusions of a run among the classes that are looked at.

    Args:
        cells: columns truth, predicted (classes) and n.
        order: the classes in the order drawn; fewer than all when a block is looked at.
    """

    run: ZeroShotRun
    cells: pa.Table
    names: tuple[str, ...]
    order: tuple[int, ...]


def draw(run: ZeroShotRun) -> None:
    """Draw the tab."""
    found = _zoomed(run, zero_shot_runs.class_names(run.key), tuple(api().run_order(run.key)))
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        _picture(found)
    with right:
        cell = _cell(len(found.names))
        if cell is None:
            _pairs(found)
        else:
            _images(found, *cell)
    if cell is not None:
        _pairs(found)


def _zoomed(run: ZeroShotRun, names: tuple[str, ...], order: tuple[int, ...]) -> _Matrix:
    """All classes, or those of the block that the address names (places in the order)."""
    cells = api().run_confusion(run.key)
    block = _numbers("block", 4)
    if block is None or max(block) > len(order):
        return _Matrix(run, cells, names, order)
    places = [*range(block[0], block[1]), *range(block[2], block[3])]
    return _Matrix(run, cells, names, tuple(order[place] for place in sorted(set(places))))


def _numbers(param: str, count: int) -> tuple[int, ...] | None:
    parts = url.read(param).split("-")
    if len(parts) != count or not all(part.isdigit() for part in parts):
        return None
    return tuple(int(part) for part in parts)


def _cell(classes: int) -> tuple[int, int] | None:
    """(true class, predicted class) of the cell that is looked at."""
    pair = _numbers("cell", 2)
    return (pair[0], pair[1]) if pair is not None and max(pair) < classes else None


def _picture(found: _Matrix) -> None:
    figure = _figure(found.run.key, found.order, found)

    def clicked(point: Mapping[str, Any] | None) -> None:
        corners = point.get("customdata") if point is not None else None
        if not corners:
            return
        down, _, across, _, images = (int(number) for number in corners)
        st.session_state.pop("at", None)
        if corners[1] - corners[0] == 1 and corners[3] - corners[2] == 1:
            _look_at(found.order[down], found.order[across])
        elif images:
            url.write(block="-".join(str(int(number)) for number in corners[:4]), cell=None)

    crowded = len(found.order) > confusion.MOST_CELLS
    if len(found.order) < len(found.names):
        st.button(
            f"The {amounts.count(len(found.order))} classes of a block",
            icon=":material/zoom_out:",
            help="Back to all classes",
            on_click=url.write,
            kwargs={"block": None},
        )
    chart(figure, key=f"confusion.{len(found.order)}", on_click=clicked)
    st.caption(
        "Each row is a true class and adds up to 100% of what is shown; the diagonal is right. "
        "Classes taken for one another, or near in the hierarchy, stand side by side."
        + (" Click a cell to look at its classes alone." if crowded else " Click a cell.")
    )
    with st.container(horizontal=True, gap="small"):
        figure_export(
            figure,
            chart=f"confusion.{len(found.order)}",
            name=f"{found.run.dataset}-{found.run.model}-confusion",
            rows=_named(found, found.cells.to_pylist()[:2000]),
        )
        export.table(
            lambda: _named(found, found.cells.to_pylist()),
            name=f"{found.run.dataset}-{found.run.model}-confusion",
            key="confusion.export",
        )


@st.cache_resource(max_entries=20, show_spinner=False)
def _figure(key: str, order: tuple[int, ...], _found: _Matrix) -> Figure:
    """The matrix of the classes in ``order``; confusions with classes outside are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pa.array(order, pa.int32())
    truth = pc.index_in(_found.cells["truth"].cast(pa.int32()), value_set=places)
    guess = pc.index_in(_found.cells["predicted"].cast(pa.int32()), value_set=places)
    cells = pa.table({"truth": truth, "predicted": guess, "n": _found.cells["n"]}).drop_null()
    made = confusion.confusion_matrix(
        cells["truth"].to_numpy(),
        cells["predicted"].to_numpy(),
        cells["n"].to_numpy(),
        [_found.names[index] for index in order],
    )
    if len(order) > _NAMED:  # names would lie on one another
        made.update_xaxes(showticklabels=False)
        made.update_yaxes(showticklabels=False)
    return confusion.add_doors(made)


def _look_at(truth: int, guess: int) -> None:
    url.write(cell=f"{truth}-{guess}", at=None)


def _pairs(found: _Matrix) -> None:
    """The most frequent confusions; a click on a row shows its images."""
    st.subheader("Most confused pairs")
    shown = [r for r in found.cells.to_pylist() if r["truth"] != r["predicted"]]
    shown = sorted(shown, key=lambda r: -r["n"])[:_PAIRS]
    if not shown:
        st.success("Nothing is taken for anything else.", icon=":material/check:")
        return

    def selected() -> None:
        rows = st.session_state["confusion.pairs"].selection.rows
        if rows:
            _look_at(shown[rows[0]]["truth"], shown[rows[0]]["predicted"])

    st.dataframe(
        _named(found, shown),
        hide_index=True,
        height=430,
        key="confusion.pairs",
        column_config={
            "true class": st.column_config.TextColumn("is"),
            "predicted class": st.column_config.TextColumn("taken for"),
            "images": st.column_config.ProgressColumn(
                "images", format="%d", min_value=0, max_value=shown[0]["n"]
            ),
        },
        selection_mode="single-row",
        on_select=selected,
    )


def _named(found: _Matrix, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "true class": found.names[record["truth"]],
            "predicted class": found.names[record["predicted"]],
            "images": record["n"],
        }
        for record in records
    ]


def _images(found: _Matrix, truth: int, guess: int) -> None:
    """What lies in one cell."""
    is_, as_ = short(found.names[truth], 30), short(found.names[guess], 30)
    words = f"{plain(is_)}, found" if truth == guess else f"{plain(is_)} taken for {plain(as_)}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(words, width="stretch")
        st.button("Close", icon=":material/close:", on_click=url.write, kwargs={"cell": None})
    asked = predicted.Asked(found.run, {"truth": truth, "predicted": guess})
    predicted.draw(asked, "lie here", key="cell", part=paging.Part(12, "small"), param="at")
    if truth != guess:
        _other_way(found, truth, guess)


def _other_way(found: _Matrix, truth: int, guess: int) -> None:
    """How often the confusion happens in the other direction."""
    records = found.cells.to_pylist()
    back = sum(r["n"] for r in records if (r["truth"], r["predicted"]) == (guess, truth))
    if back:
        st.button(
            f"The other way round: {amounts.noun(back, 'image')}",
            icon=":material/swap_horiz:",
            on_click=_look_at,
            args=(guess, truth),
        )
