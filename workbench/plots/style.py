"""Colours, fonts and number formats of every figure, and the one way to make an empty one.

Backgrounds are transparent and greys lie between black and white, so that a figure reads on a
light and on a dark page; inside the app Streamlit's theme takes over font and grid colours.
"""

from __future__ import annotations

import html
import math
from typing import Any

import plotly.graph_objects as go

__all__ = [
    "EXPERT_COLOURS",
    "IMAGE_COLOUR",
    "MODEL_COLOURS",
    "TEXT_COLOUR",
    "cosine",
    "count",
    "expert_colour",
    "figure",
    "ink_on",
    "model_colour",
    "number",
    "plain",
    "share",
    "short",
    "tinted",
]

IMAGE_COLOUR = "#0072B2"
"""Blue: images, wherever they are drawn."""

TEXT_COLOUR = "#D55E00"
"""Vermilion: texts, wherever they are drawn."""

MODEL_COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8F98")
"""For models side by side. All seven colours are Okabe and Ito's, but for the last, a grey."""

EXPERT_COLOURS = (
    "#CC6677",
    "#44AA99",
    "#DDCC77",
    "#AA4499",
    "#117733",
    "#88CCEE",
    "#7F4F24",
    "#6A5ACD",
)
"""For the experts of one layer: Tol's muted set, its darkest blue lightened, so that it reads on
dark pages, and a brown for its olive, which is too near to its sand. Only eight can be told apart,
so a figure writes the expert's number as well."""

_GREY = "#808792"
_FONT = 'Inter, "Source Sans Pro", system-ui, -apple-system, "Segoe UI", sans-serif'


def figure(*, height: int = 260, **layout: Any) -> go.Figure:
    """An empty figure in the house style.

    Args:
        height: pixels; the width follows the page.
        layout: further entries of plotly's layout, which win over the style.
    """
    axis = {
        "gridcolor": tinted(_GREY, 0.22),
        "linecolor": tinted(_GREY, 0.5),
        "zeroline": False,
        "automargin": True,
        "ticks": "",
        "title": {"standoff": 8},
    }
    template = go.layout.Template(
        layout={
            "font": {"family": _FONT, "size": 13, "color": _GREY},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [IMAGE_COLOUR, TEXT_COLOUR, *MODEL_COLOURS],
            "hoverlabel": {"font": {"family": _FONT, "size": 13}, "align": "left"},
            "xaxis": {**axis, "showgrid": False},
            "yaxis": axis,
        }
    )
    made = go.Figure()
    made.update_layout(
        template=template,
        height=height,
        margin={"l": 8, "r": 12, "t": 12, "b": 8},
        bargap=0.08,
        barcornerradius=3,
        showlegend=False,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": {"text": ""}},
        separators=".,",
    )
    made.update_layout(**layout)
    return made


def model_colour(nth: int) -> str:
    """The colour of the nth model shown, from 0; they repeat after five."""
    return MODEL_COLOURS[nth % len(MODEL_COLOURS)]


def expert_colour(number: int) -> str:
    """The colour of an expert by its number; they repeat after eight.

    The same number in another layer is another expert: its colour says nothing across layers.
    """
    return EXPERT_COLOURS[number % len(EXPERT_COLOURS)]


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a ``#RRGGBB`` colour (W3C's relative luminance)."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    light = sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#111111" if light > 0.22 else "#ffffff"


def tinted(colour: str, opacity: float) -> str:
    """A ``#RRGGBB`` colour as ``rgba(...)``; opacity in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def plain(text: str) -> str:
    """A text of unknown origin that plotly shows as it is: no markup, no links, one line."""
    return html.escape(" ".join(text.split()), quote=False)


def short(text: str, limit: int = 28) -> str:
    """At most ``limit`` characters, the cut marked by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def count(value: float) -> str:
    """A whole number with thousands separators: ``12,345``."""
    return f"{round(value):,}"


def cosine(value: float) -> str:
    """A cosine with three decimals: ``0.274``."""
    return f"{value:.3f}"


def share(value: float) -> str:
    """A share in [0, 1] as percent with one decimal: ``41.3%``; ``n/a`` for NaN."""
    return "n/a" if math.isnan(value) else f"{value:.1%}"


def number(value: float) -> str:
    """A number of any size: whole ones in full, others with four digits that count."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}"
