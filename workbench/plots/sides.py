"""What captions name against what a model sees, concept by concept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.frequency import CountAxis

__all__ = ["captions_and_images"]


def captions_and_images(
    names: Sequence[str], text: Sequence[int], image: Sequence[int], integrated: Sequence[int]
) -> go.Figure:
    """Items whose caption names each concept against those whose image shows it, logarithmic.

    The first trace is the diagonal, where both are equally many; the second holds one point a
    concept that is on either side, customdata [concept number], the darker the larger the share
    of its items that have it on both sides.

    Args:
        names: C concept names.
        text: C items whose caption names it.
        image: C items whose image has it.
        integrated: C items with both.
    """
    kept = [i for i in range(len(names)) if text[i] or image[i]]
    across, up = CountAxis.of(text[i] for i in kept), CountAxis.of(image[i] for i in kept)
    made = style.figure(height=440, hovermode="closest")
    ends = [10.0 ** min(across.low, up.low), 10.0 ** max(across.high, up.high)]
    line = {"dash": "dot", "width": 1, "color": "#808792"}
    made.add_scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip")
    made.add_scattergl(
        x=[across.at(text[i]) for i in kept],
        y=[up.at(image[i]) for i in kept],
        mode="markers",
        marker=_marker([_share(text[i], image[i], integrated[i]) for i in kept]),
        customdata=[[i] for i in kept],
        hovertext=[_said(names[i], text[i], image[i], integrated[i]) for i in kept],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    across.draw(made, "captions that name it")
    up.draw(made, "images that show it", upright=True)
    return made


def _share(text: int, image: int, integrated: int) -> float:
    """Items with both of the items with either."""
    return integrated / (text + image - integrated)


def _marker(shares: Sequence[float]) -> dict[str, Any]:
    faint = style.tinted(style.IMAGE_COLOUR, 0.15)
    return {
        "size": 8,
        "color": list(shares),
        "cmin": 0,
        "cmax": 1,
        "colorscale": [[0, faint], [1, style.IMAGE_COLOUR]],
        "line": {"width": 1, "color": style.IMAGE_COLOUR},
        "colorbar": {"title": {"text": "on both sides"}, "tickformat": ".0%", "thickness": 10},
    }


def _said(name: str, text: int, image: int, integrated: int) -> str:
    return (
        f"<b>{style.plain(name)}</b><br>{style.count(text)} captions, {style.count(image)} images"
        f"<br>{style.count(integrated)} items on both sides, "
        f"{style.share(_share(text, image, integrated))} of those on either"
    )
