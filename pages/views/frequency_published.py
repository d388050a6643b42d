"""Published fit: the log-linear fit of two published tables, computed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, nav, url
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain
from workbench.api import PublishedTable

if TYPE_CHECKING:
    from workbench.longtail.reference import Reference

__all__ = ["draw"]

_SHOWN = ("method", "prompts", "n", "missing", "r_binned", "p", "r_raw", "uncounted")
_ALL = "all"


def draw() -> None:
    """Draw the tab."""
    counts, scored = api().published_tables(), api().published_tables(accuracies=True)
    if not counts or not scored:
        _nothing(counts, scored)
        return
    count = _table_of("Counts", counts, "counts")
    accuracy = _table_of("Accuracies", scored, "scores")
    models = _models(count, accuracy)
    if not models:
        st.info("No model in the accuracies was trained on a corpus in the counts.")
        return
    boxes = st.columns(3, gap="small")
    corpora = sorted({corpus for _, corpus in models})
    with boxes[0]:
        corpus = addressed("Corpus", {name: name for name in corpora}, param="corpus")
    there = [backbone for backbone, of in models if of == corpus]
    with boxes[1]:
        backbone = addressed("Model", {name: name for name in there}, param="backbone")
    rows = _reference(count.key, accuracy.key, backbone, corpus)
    if not rows:
        st.info("The two tables share no class of the pooled benchmarks.")
        return
    with boxes[2]:
        chosen = _of_method(rows)
    _fits(count, accuracy, chosen)


def _nothing(counts: Sequence[PublishedTable], scored: Sequence[PublishedTable]) -> None:
    missing = [name for name, has in (("counts", counts), ("accuracies", scored)) if not has]
    st.info(
        f"There are no published {' and no published '.join(missing)} yet. With both, the "
        "log-linear fit of any model and corpus in them is computed again here.",
        icon=":material/table_view:",
    )
    nav.link("corpus", "Read in a table", icon=":material/upload:", tab="Published")


def _table_of(label: str, tables: Sequence[PublishedTable], param: str) -> PublishedTable:
    """One of the tables; the box is drawn where there are several."""
    by_key = {table.key: table for table in tables}
    if len(tables) == 1:
        return tables[0]
    return by_key[addressed(label, {key: t.name for key, t in by_key.items()}, param=param)]


def _models(count: PublishedTable, accuracy: PublishedTable) -> list[tuple[str, str]]:
    """(backbone, corpus) of the models whose corpus was counted, sorted."""
    counted = {group[count.columns.index("pretraining")] for group in count.groups}
    places = [accuracy.columns.index(name) for name in ("backbone", "pretrained")]
    pairs = {(group[places[0]], group[places[1]]) for group in accuracy.groups}
    return sorted(pair for pair in pairs if pair[1] in counted)


@st.cache_resource(max_entries=200, show_spinner=False)
def _reference(counts: str, scored: str, backbone: str, corpus: str) -> tuple[Reference, ...]:
    return api().reference(counts, scored, backbone=backbone, pretraining=corpus)


def _of_method(rows: Sequence[Reference]) -> list[Reference]:
    """The rows of one way of counting: one for each kind of prompts."""
    methods = sorted({row.method for row in rows})
    chosen = addressed("Counted by", {_ALL: _ALL, **{m: m for m in methods}}, param="method")
    return [row for row in rows if chosen in (_ALL, row.method)]


def _fits(count: PublishedTable, accuracy: PublishedTable, rows: Sequence[Reference]) -> None:
    """The rows; one that is clicked leads to its benchmarks."""
    shown = [{**asdict(row), "uncounted": ", ".join(row.uncounted)} for row in rows]

    def selected() -> None:
        places = st.session_state["reference.table"].selection.rows
        row = rows[places[0]] if places else None
        url.write(picked=f"{row.method}:{row.prompts}" if row else None)

    st.dataframe(
        shown,
        hide_index=True,
        key="reference.table",
        height="content" if len(shown) <= 12 else 430,
        column_order=_SHOWN,
        column_config=_columns(),
        selection_mode="single-row",
        on_select=selected,
    )
    st.caption(
        f"{plain(rows[0].backbone)} trained on {plain(rows[0].pretraining)}: "
        f"{amounts.noun(len(rows), 'row')}, computed as the authors of No Zero-Shot Without "
        "Exponential Data plot it: classes of all benchmarks pooled, counts below 1 taken as 1, "
        "empty bins kept at 0. Click a row for its benchmarks."
    )
    name = f"{rows[0].backbone}-{rows[0].pretraining}-log-linear-fit"
    export.table(lambda: shown, name=name, key="reference.export")
    picked = next((r for r in rows if f"{r.method}:{r.prompts}" == url.read("picked")), None)
    _benchmarks(count, accuracy, picked or rows[0])


def _columns() -> Mapping[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "n": number("classes", format="localized", help="Points of the fit: benchmark and class."),
        "missing": number(
            "missing", help="Classes of counted benchmarks with an accuracy and without a count."
        ),
        "r_binned": number(
            "r, binned",
            format="%.4f",
            help="Pearson r of the ten inner bin edges against their mean accuracies.",
        ),
        "p": number("p", format="%.2g", help="Two-sided, of the binned r."),
        "r_raw": number(
            "r, per class",
            format="%.4f",
            help="Pearson r of ln(count) against accuracy over all points, without bins.",
        ),
        "uncounted": st.column_config.TextColumn(
            "benchmarks without counts", help="With accuracies, of which this way counted none."
        ),
    }


def _benchmarks(count: PublishedTable, accuracy: PublishedTable, row: Reference) -> None:
    """Each benchmark of a row alone, as a way to its classes."""
    counted = {g[2] for g in count.groups if g[:2] == (row.pretraining, row.method)}
    model = (row.pretraining, row.backbone, row.prompts)
    both = sorted(counted & {g[3] for g in accuracy.groups if g[:3] == model})
    if not both:
        return
    st.caption(f"Class by class, {plain(row.method)} and prompts {plain(row.prompts)}:")
    with st.container(horizontal=True, gap="small"):
        for benchmark in both:
            st.button(
                plain(benchmark),
                key=f"reference.open.{benchmark}",
                on_click=_open,
                args=(
                    ":".join(("published", accuracy.key, *model, benchmark)),
                    ":".join(("published", count.key, row.pretraining, row.method, benchmark)),
                ),
                type="tertiary",
                icon=":material/scatter_plot:",
            )


def _open(accuracy: str, frequency: str) -> None:
    """The trend of one benchmark, in the first tab."""
    url.write_all("accuracy", [accuracy])
    st.session_state["tab"] = "Trend"
    url.write(**{"frequency": frequency, "class": None, "bin": None, "of": None})
