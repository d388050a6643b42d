"""Published counts and accuracies: reading tables in, what they hold, and forgetting them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.shared import amounts, nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain, short
from workbench.api import PublishedTable
from workbench.longtail.published import ACCURACY_COLUMNS, COUNT_COLUMNS

__all__ = ["draw"]

_FILES = ["csv", "tsv", "gz", "parquet", "json"]
_COUNTS, _ACCURACIES = "Counts", "Accuracies"
_COLUMNS = {_COUNTS: COUNT_COLUMNS, _ACCURACIES: ACCURACY_COLUMNS}
_JSON = {
    _COUNTS: "search_counts of frequency_determines_performance, metrics of NeglectedTailsVLM",
    _ACCURACIES: "zero_shot_evaluations of frequency_determines_performance",
}
_SHOWN = 8


def draw() -> None:
    """Draw the tab."""
    left, right = st.columns([1, 1.4], gap="large")
    with left:
        _add()
    with right:
        for kind in _COLUMNS:
            _list(kind, api().published_tables(accuracies=kind == _ACCURACIES))
        nav.link(
            "frequency",
            "Counts against accuracies",
            icon=":material/scatter_plot:",
            tab="Published fit",
        )


def _add() -> None:
    """Upload tables, or name one on this machine."""
    chosen = st.segmented_control(
        "What they hold",
        list(_COLUMNS),
        default=_COUNTS,
        required=True,
        key="published.kind",
        help="How often concepts occur in a corpus, or how well models do on classes.",
    )
    kind = chosen or _COUNTS
    st.caption(
        f"CSV, TSV or Parquet with the columns {plain(', '.join(_COLUMNS[kind]))}; or JSON files "
        f"as they are published: {plain(_JSON[kind])}, whose names say what their rows lack."
    )
    files = st.file_uploader(
        "Tables", _FILES, accept_multiple_files=True, key=f"published.files.{kind}"
    )
    typed = st.text_input("Or a path on this machine", key=f"published.path.{kind}")
    if st.button(
        "Read in",
        type="primary",
        icon=":material/upload:",
        key="published.add",
        disabled=not (files or (typed or "").strip()),
    ):
        with guarded():
            paths = sorted(api().keep_uploads(files).iterdir()) if files else []
            if (typed or "").strip():
                paths.append(Path((typed or "").strip()).expanduser())
            with st.spinner("Reading"):
                for path in paths:
                    table = api().add_published(path, accuracies=kind == _ACCURACIES)
                    st.toast(f"{plain(table.name)}: {amounts.noun(table.rows, 'row')}.")


def _list(kind: str, tables: Sequence[PublishedTable]) -> None:
    st.subheader(kind)
    if not tables:
        words = "counts" if kind == _COUNTS else "accuracies"
        st.caption(f"No published {words} yet: read a table in at the left.")
    for table in tables:
        with st.container(border=True, gap="xsmall", key=f"published.{table.key}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{plain(table.name)}**", width="content")
                st.caption(amounts.noun(table.rows, "row"), width="stretch")
                st.button(
                    "Remove",
                    icon=":material/delete:",
                    key=f"published.remove.{table.key}",
                    help="Forgets the table; the file that it was read from stays.",
                    on_click=api().remove_published,
                    args=(table.key,),
                )
            for place, column in enumerate(table.columns):
                st.caption(_values(column, sorted({group[place] for group in table.groups})))


def _values(column: str, values: Sequence[str]) -> str:
    """What a column tells apart: ``benchmark (18): birdsnap, caltech101 …``."""
    named = ", ".join(short(value, 40) for value in values[:_SHOWN])
    more = " …" if len(values) > _SHOWN else ""
    return f"{plain(column)} ({amounts.count(len(values))}): {plain(named)}{more}"
