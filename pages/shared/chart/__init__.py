"""Charts that are doors: a click opens what lies behind; every figure can be taken along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import export

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["chart", "figure_buttons", "figure_export"]

_HERE = Path(__file__).parent
_save = st.components.v2.component(
    "workbench.save_figure",
    html='<div class="row"></div>',
    css=(_HERE / "save.css").read_text("utf-8"),
    js=(_HERE / "save.js").read_text("utf-8"),
)
_CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2},
}


def chart(
    figure: Figure,
    *,
    key: str,
    on_click: Callable[[Mapping[str, Any] | None], None] | None = None,
) -> None:
    """Draw a figure.

    Args:
        figure: from ``workbench.plots``.
        key: unique on the page; also how its export finds it.
        on_click: called with the clicked point (``point_index``, ``x``, ``y`` ...), or None when
            the click cleared the choice; before the page is drawn anew.
    """

    def selected() -> None:
        points = st.session_state[key].selection.points
        if on_click is not None:
            on_click(points[0] if points else None)

    st.plotly_chart(
        figure,
        key=key,
        on_select=selected if on_click is not None else "ignore",
        selection_mode="points",
        config=_CONFIG,
    )


def figure_export(
    figure: Figure, *, chart: str, name: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """A small button below a figure that opens its exports; see ``figure_buttons``."""
    with export.popover(f"{chart}.save", "Figure") as opened:
        if opened:
            figure_buttons(figure, chart=chart, name=name, rows=rows, key=f"{chart}.save")


def figure_buttons(
    figure: Figure, *, chart: str, name: str, rows: Sequence[Mapping[str, Any]], key: str
) -> None:
    """Buttons that save a figure as PNG, SVG, or HTML with its numbers, and these as CSV.

    Args:
        figure: the one that is drawn.
        chart: the key that it was drawn with.
        name: file name without ending.
        rows: its numbers.
        key: unique on the page.
    """
    _save(key=f"{key}.image", data=[{"chart": chart, "name": name}])  # a list: see grid
    st.download_button(
        "HTML with its numbers",
        data=lambda: export.figure_page(figure, name, rows),
        file_name=f"{name}.html",
        mime="text/html",
        key=f"{key}.html",
        on_click="ignore",
        width="stretch",
    )
    st.download_button(
        "Numbers as CSV",
        data=lambda: export.csv_bytes(rows),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"{key}.numbers",
        on_click="ignore",
        width="stretch",
    )
