"""What a page shows, read from the messages that it sent."""

from __future__ import annotations

import json
import re
from typing import Any

from streamlit.testing.v1 import AppTest

__all__ = ["cells", "charts", "texts"]


def cells(app: AppTest, layout: str = "grid") -> list[dict[str, Any]]:
    """The cells of the first image grid with this layout; empty when there is none."""
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json or "null")
        if isinstance(data, dict) and data.get("layout") == layout and data["size"] != "tiny":
            return list(data["cells"])
    return []


def charts(app: AppTest) -> list[dict[str, Any]]:
    """The figures, as plotly's own JSON."""
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def texts(app: AppTest) -> str:
    """All Markdown, captions and plain texts of the page, unescaped, one a line."""
    found = [*app.markdown, *app.caption, *app.text, *app.subheader, *app.info, *app.error]
    text = "\n".join(str(element.value) for element in found)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).replace("\u2060", "")
