"""What a page shows, read from the messages that it sent."""

from __future__ import annotations

import json
import re
from typing import Any

from streamlit.testing.v1 import AppTest

__all__ = ["cells", "charts", "grids", "texts"]


def cells(app: AppTest, layout: str = "grid") -> list[dict[str, Any]]:
    """The cells of the first image grid with this layout; empty when there is none."""
    for grid in grids(app):
        if grid["layout"] == layout and grid["size"] != "tiny":
            return list(grid["cells"])
    return []


def grids(app: AppTest) -> list[dict[str, Any]]:
    """What every image grid was given, from the top of the page."""
    given = [json.loads(each.proto.json or "null") for each in app.get("bidi_component")]
    # what a component of ours is given stands in a list, see the grid
    return [data[0] for data in given if data and "cells" in data[0]]


def charts(app: AppTest) -> list[dict[str, Any]]:
    """The figures, as plotly's own JSON."""
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def texts(app: AppTest) -> str:
    """All Markdown, captions and plain texts of the page, unescaped, one a line."""
    found = [*app.markdown, *app.caption, *app.text, *app.subheader, *app.info, *app.error]
    text = "\n".join(str(element.value) for element in found)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).replace("\u2060", "")
