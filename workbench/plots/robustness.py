"""Accuracy under a shift against accuracy without it, on logit axes, where it is a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import style

__all__ = ["robustness"]

_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.99)
_EDGE = 5e-4  # accuracies of 0 and 1 have no place on a logit axis; they stand at its ends


def robustness(
    standard: Sequence[float],
    shifted: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    names: Sequence[str],
    *,
    line: Callable[[NDArray[Any]], NDArray[np.float64]] | None = None,
    titles: tuple[str, str] = ("without the shift", "under the shift"),
) -> go.Figure:
    """One point a run; above the line it holds up better than the others let expect.

    The last trace holds the points, customdata [place in the arguments]; before it the diagonal
    (no loss under the shift) and the line of the runs.

    Args:
        standard: M accuracies in [0, 1].
        shifted: M accuracies.
        intervals: M (low, high) of the shifted ones.
        names: M runs.
        line: accuracies without the shift -> accuracies expected under it.
        titles: of the axes.
    """
    x, y = _logit(standard), _logit(shifted)
    made = style.figure(height=420)
    grid = np.linspace(min([*x, *y]) - 0.5, max([*x, *y]) + 0.5, 60)
    thin = {"dash": "dot", "width": 1, "color": "#808792"}
    made.add_scatter(x=grid, y=grid, mode="lines", line=thin, hoverinfo="skip")
    if line is not None:
        expected = _logit(line(1 / (1 + np.exp(-grid))))
        solid = {"width": 2, "color": style.TEXT_COLOUR}
        made.add_scatter(x=grid, y=expected, mode="lines", line=solid, hoverinfo="skip")
    ends = np.array(intervals, dtype=np.float64).reshape(-1, 2)
    low, high = _logit(ends[:, 0]), _logit(ends[:, 1])
    made.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 9, "color": style.IMAGE_COLOUR},
        error_y={"array": high - y, "arrayminus": y - low, "thickness": 1, "width": 3},
        customdata=[[place] for place in range(len(names))],
        hovertext=[
            f"<b>{style.plain(name)}</b><br>{style.share(a)} → {style.share(b)}"
            for name, a, b in zip(names, standard, shifted, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    for update, values, title in (
        (made.update_xaxes, x, titles[0]),
        (made.update_yaxes, [*y, *low, *high], titles[1]),
    ):
        ticks = {"tickvals": _logit(_TICKS), "ticktext": [f"{100 * t:g}%" for t in _TICKS]}
        span = [float(min(values)) - 0.4, float(max(values)) + 0.4]
        update(title_text=style.plain(title), range=span, tickmode="array", **ticks)
    return made


def _logit(values: Any) -> NDArray[np.float64]:
    clipped = np.clip(np.asarray(values, dtype=np.float64), _EDGE, 1 - _EDGE)
    found: NDArray[np.float64] = np.log(clipped) - np.log1p(-clipped)
    return found
