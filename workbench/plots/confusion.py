"""Which classes are taken for which, as a matrix that stays readable from 2 to 10,000 classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import style

__all__ = ["MOST_CELLS", "MOST_DOORS", "add_doors", "confusion_matrix"]

MOST_CELLS = 200
"""Most rows or columns drawn; above, neighbouring classes share a cell."""

MOST_DOORS = 5000
"""Most cells that can be clicked; of more, those with the most images."""

_FEW = 3000  # points that are drawn sharply; more are left to the graphics card
_NAMED = 32  # classes that have room for their names on the axes
_SCALE = [[0.0, "rgba(0,114,178,0)"], [0.02, "rgba(0,114,178,0.25)"], [1.0, "rgb(0,60,110)"]]


def confusion_matrix(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    count: NDArray[Any],
    names: Sequence[str],
    *,
    order: NDArray[Any] | None = None,
    titles: tuple[str, str] = ("true class", "predicted class"),
) -> go.Figure:
    """Share of each true class's images that went to each predicted class; truth runs downward.

    One heatmap; customdata of a cell is [row from, row to, column from, column to, images], both
    ends places in ``order``, the upper ones excluded.

    Args:
        truth: (S,) the true class of each cell that is not empty.
        predicted: (S,) its predicted class.
        count: (S,) its images.
        names: C class names.
        order: int (C,), the classes in the order to draw; as they come when None.
        titles: what stands at the vertical and at the horizontal axis.
    """
    classes = len(names)
    order = np.arange(classes) if order is None else np.asarray(order)
    place = np.empty(classes, dtype=np.int64)
    place[order] = np.arange(classes)
    edges = _edges(classes)
    cells = _counted(place[truth], place[predicted], count, edges)
    totals = cells.sum(axis=1, keepdims=True)
    shares = np.divide(cells, totals, out=np.zeros_like(cells), where=totals > 0)
    labels = _labels(names, order, edges)
    made = style.figure(height=560)
    made.add_heatmap(
        z=shares,
        zmin=0,
        zmax=1,
        colorscale=_SCALE,
        colorbar={"tickformat": ".0%", "thickness": 10, "len": 0.6},
        customdata=_corners(edges, cells),
        hovertext=_hover(labels, cells, shares, titles),
        hovertemplate="%{hovertext}<extra></extra>",
        xgap=1 if len(labels) <= _NAMED else 0,
        ygap=1 if len(labels) <= _NAMED else 0,
    )
    _axes(made, labels, titles)
    return made


def _edges(classes: int) -> NDArray[np.int64]:
    """First place of each drawn row, and the end."""
    cells = min(classes, MOST_CELLS)
    return np.linspace(0, classes, cells + 1).round().astype(np.int64)


def _counted(
    rows: NDArray[Any], columns: NDArray[Any], count: NDArray[Any], edges: NDArray[np.int64]
) -> NDArray[np.float64]:
    cells = len(edges) - 1
    down = np.searchsorted(edges, rows, side="right") - 1
    across = np.searchsorted(edges, columns, side="right") - 1
    flat = np.bincount(down * cells + across, weights=count, minlength=cells * cells)
    return flat.astype(np.float64).reshape(cells, cells)


def _labels(names: Sequence[str], order: NDArray[Any], edges: NDArray[np.int64]) -> list[str]:
    """The class of each row, or the first and the last of those that share it."""
    found = []
    for start, stop in pairwise(edges):
        first, last = names[order[start]], names[order[stop - 1]]
        text = first if stop - start == 1 else f"{style.short(first)} … {style.short(last)}"
        found.append(style.plain(text))
    return found


def _corners(edges: NDArray[np.int64], cells: NDArray[np.float64]) -> NDArray[np.int32]:
    size = len(cells)
    corners = np.empty((size, size, 5), dtype=np.int32)
    corners[..., 0], corners[..., 1] = edges[:-1, None], edges[1:, None]
    corners[..., 2], corners[..., 3] = edges[None, :-1], edges[None, 1:]
    corners[..., 4] = cells
    return corners


def _hover(
    labels: list[str],
    cells: NDArray[np.float64],
    shares: NDArray[np.float64],
    titles: tuple[str, str],
) -> NDArray[Any]:
    """A text for each cell that has images; the others say nothing."""
    texts = np.full(cells.shape, "", dtype=object)
    for row, column in zip(*np.nonzero(cells), strict=True):
        texts[row, column] = (
            f"{titles[0]}: <b>{labels[row]}</b><br>{titles[1]}: <b>{labels[column]}</b><br>"
            f"{style.count(cells[row, column])} images, {style.share(shares[row, column])}"
        )
    return texts


def _axes(made: go.Figure, labels: list[str], titles: tuple[str, str]) -> None:
    named = len(labels) <= _NAMED
    ticks: dict[str, Any] = {"showticklabels": False}
    if named:
        texts = [style.short(label, 18) for label in labels]
        ticks = {"tickmode": "array", "tickvals": list(range(len(labels))), "ticktext": texts}
    made.update_xaxes(title_text=titles[1], showgrid=False, tickangle=-60, **ticks)
    made.update_yaxes(title_text=titles[0], showgrid=False, autorange="reversed", **ticks)


def add_doors(made: go.Figure) -> go.Figure:
    """Lay a point that can be clicked over each cell that has images; heatmaps take no clicks.

    The points take the customdata and the hover text from the cells, at most ``MOST_DOORS`` of
    them, so that a figure of many classes stays small. Returns the same figure.
    """
    (matrix,) = made.data
    corners, texts = np.asarray(matrix.customdata), np.asarray(matrix.hovertext)
    rows, columns = np.nonzero(corners[..., 4])
    if len(rows) > MOST_DOORS:
        fullest = np.argsort(-corners[rows, columns, 4], kind="stable")[:MOST_DOORS]
        rows, columns = rows[np.sort(fullest)], columns[np.sort(fullest)]
    matrix.update(hoverinfo="skip", hovertemplate=None, customdata=None, hovertext=None)
    draw = made.add_scatter if len(rows) <= _FEW else made.add_scattergl
    draw(
        x=columns.tolist(),
        y=rows.tolist(),
        mode="markers",
        marker={"symbol": "square", "size": max(5.0, 380 / len(corners)), "opacity": 0.01},
        selected={"marker": {"opacity": 0.6, "color": style.TEXT_COLOUR}},
        unselected={"marker": {"opacity": 0.01}},
        customdata=corners[rows, columns].tolist(),
        hovertext=texts[rows, columns].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
    )
    last = len(corners) - 0.5
    made.update_xaxes(range=[-0.5, last])
    made.update_yaxes(range=[last, -0.5], autorange=False)
    return made
