"""Taking results along: tables as CSV or Parquet, figures as HTML with their numbers."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = [
    "csv_bytes",
    "figure_page",
    "page_button",
    "parquet_bytes",
    "popover",
    "table",
    "table_buttons",
]

Rows = Sequence[Mapping[str, Any]]


@contextmanager
def popover(key: str, label: str = "Export") -> Iterator[bool]:
    """A button that opens a small menu; the value says whether it is open and worth filling."""
    with st.popover(label, icon=":material/download:", key=key, on_change="rerun") as opened:
        yield bool(opened.open)


def table(ask: Callable[[], pa.Table | Rows], *, name: str, key: str) -> None:
    """A button that offers a table as CSV and as Parquet; see ``table_buttons``."""
    with popover(key) as opened:
        if opened:
            table_buttons(ask, name=name, key=key)


def table_buttons(ask: Callable[[], pa.Table | Rows], *, name: str, key: str) -> None:
    """Two buttons that save a table; it is made when one of them is clicked.

    Args:
        ask: gives the table; called on another thread, so it must draw nothing.
        name: file name without ending.
        key: unique on the page.
    """
    kinds = (("CSV", "csv", "text/csv"), ("Parquet", "parquet", "application/vnd.apache.parquet"))
    for label, ending, mime in kinds:
        st.download_button(
            label,
            data=lambda ending=ending: _encoded(ask(), ending),
            file_name=f"{name}.{ending}",
            mime=mime,
            key=f"{key}.{ending}",
            on_click="ignore",
            width="stretch",
        )


def page_button(ask: Callable[[], bytes], *, label: str, name: str, key: str, help: str) -> None:
    """A button that saves an HTML page; it is made when the button is clicked.

    Args:
        ask: gives the page; called on another thread, so it must draw nothing.
        label: of the button.
        name: file name without ending.
        key: unique on the page.
        help: what is in the page.
    """
    st.download_button(
        label,
        data=ask,
        file_name=f"{name}.html",
        mime="text/html",
        key=key,
        on_click="ignore",
        icon=":material/download:",
        help=help,
    )


def _encoded(found: pa.Table | Rows, ending: str) -> bytes:
    return csv_bytes(_rows(found)) if ending == "csv" else parquet_bytes(found)


def _rows(found: pa.Table | Rows) -> Rows:
    return found if isinstance(found, Sequence) else found.to_pylist()


def csv_bytes(rows: Rows) -> bytes:
    """The rows as CSV in UTF-8; lists and mappings become JSON, null an empty field."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_field(row.get(name)) for name in names])
    return text.getvalue().encode("utf-8")


def _field(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def parquet_bytes(found: pa.Table | Rows) -> bytes:
    """The table as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = pa.Table.from_pylist(list(found)) if isinstance(found, Sequence) else found
    sink = io.BytesIO()
    pq.write_table(made, sink, compression="zstd")
    return sink.getvalue()


def figure_page(figure: Figure, title: str, rows: Rows) -> bytes:
    """One HTML file that works offline: the live figure, and its numbers as a table below it."""
    drawing = figure.to_html(full_html=False, include_plotlyjs=True)
    names = list(rows[0]) if rows else []
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(row[name]))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    style = "body{font-family:sans-serif;margin:2rem}td,th{padding:2px 10px;text-align:right}"
    return (
        f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}</style><h1>{html.escape(title)}</h1>{drawing}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    ).encode()
