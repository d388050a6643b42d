"""One HTML file with everything inside: style, script, plotly.js once, figures, pictures."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.reports.markup import Html, element, join, script_data

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["figure_box", "page"]

_HERE = Path(__file__).parent
_FLAT = {"scattergl": "scatter"}
_MARKS = 2000  # more points are drawn as one line: each would be an element of its own


def figure_box(figure: Figure, title: str, note: str = "") -> Html:
    """A figure of ``workbench.plots`` under its title; the page's script draws it.

    What a click in the app would read (customdata) is left out. Traces that need WebGL become
    SVG: for WebGL plotly compiles code, which the page forbids.
    """
    import plotly.io

    fields = figure.to_plotly_json()
    for trace in fields["data"]:
        trace.pop("customdata", None)
        trace["type"] = _FLAT.get(trace["type"], trace["type"])
        if trace["type"] == "scatter" and len(trace.get("hovertext") or ()) > _MARKS:
            trace["mode"] = "lines"
    return element(
        "figure",
        element("figcaption", element("b", title), f" {note}" if note else ""),
        element("div", class_="plot", style=f"height:{figure.layout.height or 300}px"),
        script_data(plotly.io.to_json(fields, validate=False)),
    )


def page(title: str, *sections: Html) -> bytes:
    """The file: it asks nothing of any network, and no text in it can become a script.

    Its content policy allows the two scripts that stand in it, by their digests, pictures inside
    the file, and nothing else. UTF-8.

    Args:
        title: of the window and of the page.
        sections: what stands below the title.
    """
    scripts = [_plotly(), (_HERE / "report.js").read_text("utf-8")]
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html((_HERE / "report.css").read_text("utf-8"))),
    )
    body = element(
        "body",
        element("main", element("h1", title), *sections),
        *(element("script", Html(script)) for script in scripts),
    )
    made = join(Html("<!doctype html>"), element("html", head, body, lang="en"))
    return made.encode("utf-8")


@lru_cache(maxsize=1)
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@lru_cache(maxsize=4)
def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
