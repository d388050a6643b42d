"""A training as a film: how experts part between images and text, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import style
from workbench.plots.expert_shares import MODALITIES, modality_bars

__all__ = ["Curve", "curves", "film", "modality_curves"]

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Curve:
    """One line over the steps.

    Args:
        values: (S,); NaN where nothing was measured.
        colour: of the line.
        nth: which dash pattern, from 0; layers differ by it.
    """

    values: Sequence[float]
    colour: str
    nth: int = 0


def film(
    steps: Sequence[int],
    layers: Sequence[int],
    shares: NDArray[Any],
    *,
    order: NDArray[Any],
    at: int = -1,
    milliseconds: int = 450,
) -> go.Figure:
    """The bars of ``modality_bars`` moving through training, with a play button and a slider.

    Experts keep their places, so that each can be followed. One frame a step; the figure opens
    at frame ``at``.

    Args:
        steps: S steps of training, rising.
        layers: L block numbers.
        shares: (S, L, E, 2), p(expert | modality).
        order: int (L, E), experts as drawn: usually ``by_modality`` of the last step.
        at: place of the first frame shown.
        milliseconds: a frame.
    """
    at = at % len(steps)
    # NaN would be no JSON; a step without tokens of a modality draws no bar.
    heights = np.nan_to_num(np.asarray(shares, dtype=np.float64))
    top = 1.0 if heights.max(initial=0) > 0.85 else min(1.0, 1.15 * float(heights.max(initial=0)))
    made = modality_bars(layers, heights[at], order=order, top=top or 1.0)
    made.frames = [
        go.Frame(
            name=str(step), data=_frame(heights[nth], order), traces=list(range(2 * len(layers)))
        )
        for nth, step in enumerate(steps)
    ]
    for trace in made.data:  # a hover text of the first frame would be wrong in the others
        trace.update(
            hovertext=None,
            hovertemplate="block %{customdata[0]}, <b>expert %{customdata[1]}</b><br>"
            f"<b>%{{y:.1%}}</b> of {trace.legendgroup} tokens<extra></extra>",
        )
    height = made.layout.height + 84
    made.update_layout(
        height=height,
        margin={"b": 92},
        sliders=[_slider(steps, at, milliseconds)],
        updatemenus=[_buttons(milliseconds)],
    )
    return made


def _frame(shares: NDArray[Any], order: NDArray[Any]) -> list[go.Bar]:
    return [
        go.Bar(y=shares[place, order[place], modality].tolist())
        for place in range(len(order))
        for modality in range(2)
    ]


def _motion(milliseconds: int) -> dict[str, Any]:
    return {
        "frame": {"duration": milliseconds, "redraw": False},
        "transition": {"duration": int(0.8 * milliseconds), "easing": "cubic-in-out"},
    }


def _slider(steps: Sequence[int], at: int, milliseconds: int) -> dict[str, Any]:
    jump = {**_motion(min(250, milliseconds)), "mode": "immediate"}
    return {
        "active": at,
        "x": 0.26,
        "len": 0.74,
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 36, "b": 0},
        "currentvalue": {
            "prefix": "step ",
            "xanchor": "left",
            "font": {"size": 15, "color": "#808792"},
        },
        "tickcolor": "rgba(0,0,0,0)",
        "font": {"color": "rgba(0,0,0,0)", "size": 1},
        "ticklen": 0,
        "steps": [
            {"label": f"{step:,}", "method": "animate", "args": [[str(step)], jump]}
            for step in steps
        ],
    }


def _buttons(milliseconds: int) -> dict[str, Any]:
    still = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    return {
        "type": "buttons",
        "direction": "right",
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 52, "r": 8},
        "bgcolor": "rgba(128,135,146,0.14)",
        "borderwidth": 0,
        "buttons": [
            {
                "label": "▶ Play",
                "method": "animate",
                # from the first frame: a film that starts at its end shows nothing
                "args": [None, {**_motion(milliseconds), "fromcurrent": False}],
            },
            {"label": "❚❚", "method": "animate", "args": [[None], still]},
        ],
    }


def modality_curves(
    layers: Sequence[int], values: NDArray[Any], words: str = ""
) -> dict[str, Curve]:
    """A curve for each layer and modality, named ``image, block 1``; layers differ by their dash.

    Args:
        layers: L block numbers.
        values: (S, L, 2).
        words: put before each name.
    """
    return {
        f"{words}{name}, block {layer}": Curve(values[:, place, modality].tolist(), colour, place)
        for place, layer in enumerate(layers)
        for modality, (name, colour) in enumerate(MODALITIES)
    }


def curves(
    steps: Sequence[int],
    found: Mapping[str, Curve],
    *,
    title: str,
    at: int | None = None,
    lines: Mapping[str, float] | None = None,
    percent: bool = False,
    top: float | None = None,
) -> go.Figure:
    """Lines over the steps of a training; one trace each, a point a step, customdata [step].

    Args:
        steps: S.
        found: name -> line.
        title: of the axis.
        at: step that is marked.
        lines: words -> height of lines across, e.g. thresholds.
        percent: the values are shares.
        top: upper end of the axis.
    """
    made = style.figure(height=260, showlegend=len(found) > 1, hovermode="x unified")
    for name, curve in found.items():
        made.add_scatter(
            x=list(steps),
            y=[None if np.isnan(value) else float(value) for value in curve.values],
            mode="lines+markers",
            name=style.plain(name),
            line={"color": curve.colour, "width": 2, "dash": _DASHES[curve.nth % len(_DASHES)]},
            marker={"size": 5},
            customdata=[[int(step)] for step in steps],
            hovertemplate="%{y:.1%}" if percent else "%{y:.3g}",
        )
    for words, height in (lines or {}).items():
        made.add_hline(
            y=height,
            line={"dash": "dot", "width": 1.5, "color": "#808792"},
            annotation={"text": style.plain(words), "font": {"size": 11}, "yanchor": "bottom"},
        )
    if at is not None:
        made.add_vline(x=at, line={"width": 1.5, "color": "#808792"})
    made.update_xaxes(title_text="training step")
    made.update_yaxes(
        title_text=title,
        tickformat=".0%" if percent else None,
        range=None if top is None else [0, top],
        rangemode="tozero",
        nticks=6,
    )
    return made
