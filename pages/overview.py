"""Overview: what is in this workspace, what to do next, and what the worker does."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, handle, item, job_panel, nav, pickers
from pages.shared.cells import of_records
from pages.shared.errors import guarded, show
from pages.shared.grid import grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import mistakes
from workbench.api import SAMPLE_DATASETS
from workbench.types import DatasetInfo, JobInfo

__all__ = ["draw"]

_SHOWN = 12
_EXAMPLES = (
    ("a red apple", "test"),
    ("a smiling face", "test"),
    ("a dog next to a car", "scenes"),
    ("something to eat on a blue background", "scenes"),
    ("a musical instrument", "test"),
)
"""Queries for the sample world, each with the dataset on which it is telling."""


def draw() -> None:
    """Draw the page."""
    st.title("Workbench")
    datasets = api().datasets()
    _preparing(datasets)
    if datasets:
        _ask(datasets)
    left, right = st.columns([1.7, 1], gap="large")
    with left:
        _collections(datasets)
        with guarded():
            mistakes.draw()
    with right:
        _next_steps(datasets)
        _models(datasets)


def _preparing(datasets: Sequence[DatasetInfo]) -> None:
    """Progress of the sample world, or of whatever the worker does; errors of starting it."""
    if (error := handle.preparation_error()) is not None:
        show(error)
    if not _on_their_way():
        return
    new = not datasets or all(info.name in SAMPLE_DATASETS for info in datasets)
    label = "Preparing the sample world" if new else "At work"
    with st.expander(label, expanded=new, icon=":material/hourglass_top:"):
        if new:
            st.caption("Everything below can be used already; what is missing appears by itself.")
        job_panel.panel(_on_their_way, key="overview.jobs", brief=True)


def _on_their_way() -> Sequence[JobInfo]:
    """Jobs in the order in which they run."""
    jobs = api().jobs(job_panel.ACTIVE, limit=1000)
    return sorted(jobs, key=lambda job: (job.state != "running", -job.priority, job.id))


def _ask(datasets: Sequence[DatasetInfo]) -> None:
    names = [info.name for info in datasets]
    row = st.form("ask", border=False).container(
        horizontal=True, vertical_alignment="bottom", gap="small"
    )
    with row:
        text = st.text_input(
            "Search your images with words", placeholder="a red apple", width="stretch"
        )
        name = st.selectbox("In", names, width=180)
        asked = st.form_submit_button("Search", type="primary", icon=":material/search:")
    if asked and text.strip():
        nav.go("retrieval", q=text.strip(), dataset=str(name))
    with st.container(horizontal=True, gap="xsmall"):
        for text, name in _EXAMPLES:
            if name in names and st.button(text, key=f"example.{text}", type="secondary"):
                nav.go("retrieval", q=text, dataset=name)


def _collections(datasets: Sequence[DatasetInfo]) -> None:
    st.subheader("Collections")
    if not datasets:
        st.info(
            "This workspace is empty. The sample world appears here in a few seconds; your own "
            "images come in on the Datasets page.",
            icon=":material/photo_library:",
        )
    for info in datasets:
        with st.container(border=True), guarded():
            _collection(info)


def _collection(info: DatasetInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(info.name)}**", width="content")
        st.caption(_contents(info), width="stretch")
        nav.link("datasets", "Browse", icon=":material/grid_view:", dataset=info.name)
        if pickers.embedded(info.name):
            nav.link("retrieval", "Search", icon=":material/search:", dataset=info.name)
    rows = _spread(info.items)
    event = grid(
        of_records(info, api().items_of(info.name, rows).to_pylist(), size=96),
        key=f"overview.{info.name}",
        layout="strip",
        size="small",
    )
    if event is not None:
        item.open_item(info.name, event.row, rows)


def _contents(info: DatasetInfo) -> str:
    parts = [amounts.noun(info.items, "image")]
    if info.captions:
        parts.append(amounts.noun(info.captions, "caption"))
    if info.skipped:
        parts.append(f"{amounts.count(info.skipped)} skipped")
    return " · ".join(parts)


def _spread(items: int) -> list[int]:
    """A few rows evenly over the dataset, so that the strip shows its variety."""
    shown = min(_SHOWN, items)
    return [nth * items // shown for nth in range(shown)]


def _next_steps(datasets: Sequence[DatasetInfo]) -> None:
    st.subheader("What to do next")
    own = [info for info in datasets if info.name not in SAMPLE_DATASETS]
    vectors = api().vectors()
    searchable = {info.dataset for info in vectors if info.done}
    with st.container(border=True, gap="xsmall"):
        _step(bool(searchable), "Search the sample world", "retrieval", "words or an image")
        _step(bool(own), "Bring in your own images", "datasets", "a folder, a table, shards")
        _step(
            bool(own) and all(info.name in searchable for info in own),
            "Embed them with a model",
            "models",
            "in the background",
        )
        _step(
            _evaluated("evaluate-retrieval"),
            "Measure retrieval",
            "retrieval",
            "recall and its failures",
            tab="Evaluate",
        )
        _step(
            _evaluated("evaluate-zero-shot"),
            "Evaluate zero-shot",
            "zero_shot",
            "classes, prompts and heads",
        )
        _step(
            _evaluated("count-concepts"),
            "Follow accuracy into the long tail",
            "frequency",
            "concepts in captions",
        )
        _step(
            _evaluated("record-routing"),
            "See which experts take images and which take words",
            "experts",
            "a mixture of experts",
        )


def _step(done: bool, label: str, module: str, words: str, tab: str = "") -> None:
    icon = ":material/check_circle:" if done else ":material/radio_button_unchecked:"
    nav.link(module, f"{label} :gray[{words}]", icon=icon, tab=tab)


def _evaluated(kind: str) -> bool:
    return any(job.kind == kind for job in api().jobs(("done",)))


def _models(datasets: Sequence[DatasetInfo]) -> None:
    st.subheader("Models")
    models = api().models()
    if not models:
        st.caption("None yet: the two sample models register themselves.")
        return
    totals = {(v.dataset, v.model, v.side): v for v in api().vectors()}
    rows = []
    for model in models:
        row: dict[str, object] = {"model": model.name}
        for info in datasets:
            done = totals.get((info.name, model.key, "image"))
            row[info.name] = done.done / done.total if done and done.total else 0.0
        rows.append(row)
    bars = {
        info.name: st.column_config.ProgressColumn(plain(info.name), format="percent", width=104)
        for info in datasets
    }
    st.dataframe(rows, hide_index=True, column_config=bars, key="overview.models")
    st.caption("How much of each dataset a model has embedded.")
