"""Classes against classes: a matrix to zoom into, and its fullest cells off the diagonal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.chart import chart, figure_export
from workbench.plots import confusion

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = ["Matrix", "chosen", "count", "look_at", "pairs", "picture", "zoomed"]

_PAIRS = 200
_WITH_FIGURE = 2000


@dataclass(frozen=True)
class Matrix:
    """What is drawn.

    Args:
        key: equal keys have equal cells; also the prefix of the widgets' keys.
        name: of exported files.
        cells: columns ``down``, ``across`` (classes) and ``n`` (images), the fullest first.
        names: C class names.
        order: the classes in the order drawn; fewer than all when a block is looked at.
        titles: what stands in the rows and in the columns.
    """

    key: str
    name: str
    cells: pa.Table
    names: tuple[str, ...]
    order: tuple[int, ...]
    titles: tuple[str, str]


def zoomed(found: Matrix) -> Matrix:
    """All classes, or those of the block that the address names (places in the order)."""
    block = _numbers("block", 4)
    if block is None or max(block) > len(found.order):
        return found
    places = sorted({*range(block[0], block[1]), *range(block[2], block[3])})
    order = tuple(found.order[place] for place in places)
    return Matrix(found.key, found.name, found.cells, found.names, order, found.titles)


def chosen(found: Matrix) -> tuple[int, int] | None:
    """(class of the row, class of the column) of the cell that is looked at."""
    pair = _numbers("cell", 2)
    return (pair[0], pair[1]) if pair is not None and max(pair) < len(found.names) else None


def look_at(down: int, across: int) -> None:
    """Open a cell."""
    url.write(cell=f"{down}-{across}", at=None)


def _numbers(param: str, count: int) -> tuple[int, ...] | None:
    parts = url.read(param).split("-")
    if len(parts) != count or not all(part.isdigit() for part in parts):
        return None
    return tuple(int(part) for part in parts)


def picture(found: Matrix, words: str) -> None:
    """Draw the matrix; a click opens a cell, or the block of classes that share one.

    Args:
        found: what to draw.
        words: what a row and the diagonal mean, in sentences.
    """
    figure = _figure(found.key, found.order, found)
    key = f"{found.key.split('.')[0]}.{len(found.order)}"

    def clicked(point: Mapping[str, Any] | None) -> None:
        corners = point.get("customdata") if point is not None else None
        if not corners:
            return
        down, _, across, _, images = (int(number) for number in corners)
        st.session_state.pop("at", None)
        if corners[1] - corners[0] == 1 and corners[3] - corners[2] == 1:
            look_at(found.order[down], found.order[across])
        elif images:
            url.write(block="-".join(str(int(number)) for number in corners[:4]), cell=None)

    if len(found.order) < len(found.names):
        st.button(
            f"The {amounts.count(len(found.order))} classes of a block",
            icon=":material/zoom_out:",
            help="Back to all classes",
            on_click=url.write,
            kwargs={"block": None},
        )
    chart(figure, key=key, on_click=clicked)
    crowded = len(found.order) > confusion.MOST_CELLS
    door = "Click a cell to look at its classes alone." if crowded else "Click a cell."
    st.caption(f"{words} Classes near one another stand side by side. {door}")
    rows = named(found, found.cells.slice(0, _WITH_FIGURE).to_pylist())
    with st.container(horizontal=True, gap="small"):
        figure_export(figure, chart=key, name=found.name, rows=rows)
        export.table(
            lambda: named(found, found.cells.to_pylist()), name=found.name, key=f"{key}.export"
        )


@st.cache_resource(max_entries=20, show_spinner=False)
def _figure(key: str, order: tuple[int, ...], _found: Matrix) -> Figure:
    """The matrix of the classes in ``order``; cells with classes outside are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pa.array(order, pa.int32())
    down = pc.index_in(_found.cells["down"].cast(pa.int32()), value_set=places)
    across = pc.index_in(_found.cells["across"].cast(pa.int32()), value_set=places)
    cells = pa.table({"down": down, "across": across, "n": _found.cells["n"]}).drop_null()
    made = confusion.confusion_matrix(
        cells["down"].to_numpy(),
        cells["across"].to_numpy(),
        cells["n"].to_numpy(),
        [_found.names[index] for index in order],
        titles=_found.titles,
    )
    return confusion.add_doors(made)


def pairs(found: Matrix, heading: str, nothing: str) -> None:
    """The fullest cells off the diagonal; a click on a row opens the cell.

    Args:
        found: whose.
        heading: above the table.
        nothing: said when all cells lie on the diagonal.
    """
    st.subheader(heading)
    shown = _top_pairs(found.key, found.cells)
    if not shown:
        st.success(nothing, icon=":material/check:")
        return
    key = f"{found.key.split('.')[0]}.pairs"

    def selected() -> None:
        rows = st.session_state[key].selection.rows
        if rows:
            look_at(shown[rows[0]]["down"], shown[rows[0]]["across"])

    images = st.column_config.ProgressColumn(
        "images", format="%d", min_value=0, max_value=shown[0]["n"]
    )
    st.dataframe(
        named(found, shown),
        hide_index=True,
        height=430,
        key=key,
        column_config={"images": images},
        selection_mode="single-row",
        on_select=selected,
    )


@st.cache_data(max_entries=20, show_spinner=False)
def _top_pairs(key: str, _cells: pa.Table) -> list[dict[str, int]]:
    import pyarrow.compute as pc

    apart = _cells.filter(pc.not_equal(_cells["down"], _cells["across"]))
    found: list[dict[str, int]] = apart.slice(0, _PAIRS).to_pylist()
    return found


def named(found: Matrix, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cells with the names of their classes."""
    down, across = found.titles
    return [
        {
            down: found.names[record["down"]],
            across: found.names[record["across"]],
            "images": record["n"],
        }
        for record in records
    ]


def count(found: Matrix, down: int, across: int) -> int:
    """Images in one cell."""
    import pyarrow.compute as pc

    here = pc.and_(pc.equal(found.cells["down"], down), pc.equal(found.cells["across"], across))
    return int(pc.sum(found.cells.filter(here)["n"]).as_py() or 0)
