"""Evaluate: how well a model finds an image for its caption, and a caption for its image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, filters, job_panel, nav, pickers
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import failures
from workbench.api import DIRECTIONS, Direction, RetrievalReport
from workbench.plots import ranks
from workbench.types import DatasetInfo, JobInfo, ModelInfo

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_NAMES: dict[Direction, str] = {
    "text-to-image": "Text to image",
    "image-to-text": "Image to text",
}
_MEASURES = {
    "recall@1": ("R@1", "Share of queries whose right answer is ranked first.", "percent"),
    "recall@5": ("R@5", "Share with a right answer among the first five.", "percent"),
    "recall@10": ("R@10", "Share with a right answer among the first ten.", "percent"),
    "median_rank": ("median rank", "Half of the right answers stand here or better.", "%.1f"),
    "mrr": ("MRR", "Mean of 1 / rank of the right answer.", "%.3f"),
}
_HOW = (
    "Every caption looks for its own image among all images; every image looks for any one of its "
    "own captions among all captions. Ranks come from cosines of unit vectors. Recall at k as in "
    "Karpathy and Fei-Fei (2015), for several captions an image."
)


def draw(infos: Sequence[DatasetInfo]) -> None:
    """Draw the tab."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        info = pickers.dataset(infos)
        with st.container(width="stretch"):
            st.caption(_HOW)
    if not info.captions:
        st.info(
            f"{plain(info.name)} has no captions: retrieval is measured on images with captions.",
            icon=":material/notes:",
        )
        return
    models = pickers.embedded(info.name, "caption")
    _jobs(info)
    _start(info, models)
    found = [r for m in models if (r := api().retrieval_result(info.name, m.name)) is not None]
    if found:
        _measures(found)
        _failures(info, found)


def _jobs(info: DatasetInfo) -> None:
    def ask() -> list[JobInfo]:
        jobs = api().jobs(("queued", "running"), limit=1000)
        return [j for j in jobs if "evaluate" in j.kind and j.params.get("dataset") == info.name]

    if ask():
        job_panel.panel(ask, key="evaluate.jobs")


def _start(info: DatasetInfo, models: Sequence[ModelInfo]) -> None:
    """A button for each model that was not evaluated on the dataset as it is now."""
    if not models:
        st.info(f"No model has embedded the captions of {plain(info.name)} yet.")
        nav.link("models", "Embed them", icon=":material/deployed_code:")
        return
    results = {model.name: api().retrieval_result(info.name, model.name) for model in models}
    missing = [m for m in models if (r := results[m.name]) is None or not r.current]
    with st.container(horizontal=True, gap="small"):
        for model in missing:
            again = " again" if results[model.name] is not None else ""
            st.button(
                f"Evaluate {plain(model.name)}{again}",
                key=f"evaluate.{model.key}",
                icon=":material/play_arrow:",
                type="primary" if model is missing[0] else "secondary",
                on_click=api().submit_evaluate_retrieval,
                args=(info.name, model.name),
            )


def _measures(found: Sequence[RetrievalReport]) -> None:
    figure = _recalls(tuple(found), _stamp(found))
    rows = [
        {"model": r.model, "direction": way, **r.measures[way]} for way in DIRECTIONS for r in found
    ]

    def clicked(point: Mapping[str, Any] | None) -> None:
        if point is not None and "customdata" in point:
            st.session_state["failed"], st.session_state["way"] = point["customdata"][:2]

    chart(figure, key="recalls", on_click=clicked)
    left, right = st.columns(2, gap="large")
    for column, way in zip((left, right), DIRECTIONS, strict=True):
        with column:
            _table(found, way)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        figure_export(figure, chart="recalls", name=f"{found[0].dataset}-recall", rows=rows)
        with st.container(width="stretch"):
            _remarks(found)
    with st.expander("Ranks of the right answers", icon=":material/bar_chart:", key="ranks.open"):
        _rank_chart(found)


def _stamp(found: Sequence[RetrievalReport]) -> str:
    """Equal when the figures would be: floats of the measures decide."""
    return repr([(report.model, report.dataset, report.measures) for report in found])


@st.cache_resource(max_entries=20, show_spinner=False)
def _recalls(_found: tuple[RetrievalReport, ...], stamp: str) -> Figure:
    return ranks.recall_bars(_found)


def _table(found: Sequence[RetrievalReport], way: Direction) -> None:
    rows = []
    for report in found:
        values = report.measures[way]
        row: dict[str, Any] = {_NAMES[way].lower(): report.model}
        row |= {_MEASURES[name][0]: values[name] for name in _MEASURES if name in values}
        rows.append(row | {"queries": int(values["n"])})
    config: dict[str, Any] = {
        short: st.column_config.NumberColumn(short, help=words, format=form)
        for short, words, form in _MEASURES.values()
    }
    st.dataframe(rows, hide_index=True, column_config=config, key=f"measures.{way}")


def _remarks(found: Sequence[RetrievalReport]) -> None:
    first = found[0]
    remarks = []
    if first.repeated:
        remarks.append(
            f"{amounts.noun(first.repeated, 'caption')} stand at more than one image, so a right "
            f"answer can be counted as wrong. Counting the very same text as right, "
            f"{_tolerant(found)}."
        )
    if first.without_caption:
        remarks.append(
            f"{amounts.noun(first.without_caption, 'image')} without a caption take part as "
            "possible answers only."
        )
    if first.duplicate_images:
        remarks.append(
            f"{amounts.noun(first.duplicate_images, 'image')} have the very vector of another."
        )
    if any(not report.current for report in found):
        remarks.append("Items were added since: evaluate again to include them.")
    if remarks:
        st.caption("  \n".join(remarks))


def _tolerant(found: Sequence[RetrievalReport]) -> str:
    parts = [
        f"{plain(r.model)} has R@1 {r.tolerant['text-to-image']['recall@1']:.1%} from text and "
        f"{r.tolerant['image-to-text']['recall@1']:.1%} from image"
        for r in found
    ]
    return "; ".join(parts)


def _rank_chart(found: Sequence[RetrievalReport]) -> None:
    way = _direction("rankway")
    figure = ranks.rank_bars({report.model: report.ranks[way] for report in found})
    rows = [
        {"model": report.model, "rank": label, "queries": count}
        for report in found
        for label, count in report.ranks[way]
    ]
    chart(figure, key="ranks")
    figure_export(figure, chart="ranks", name=f"{found[0].dataset}-{way}-ranks", rows=rows)


def _direction(key: str) -> Direction:
    chosen = st.segmented_control(
        "Direction",
        list(DIRECTIONS),
        default=DIRECTIONS[0],
        required=True,
        format_func=lambda way: _NAMES[way],
        key=key,
        bind="query-params",
    )
    return chosen or DIRECTIONS[0]


def _failures(info: DatasetInfo, found: Sequence[RetrievalReport]) -> None:
    st.subheader("Failures", help="Queries whose right answer is not first, the worst first.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        names = [report.model for report in found]
        model = st.selectbox("Model", names, key="failed", bind="query-params", width=220)
        way = _direction("way")
        view = filters.bar(info.name, key="failures")
    failures.draw(info, str(model), way, view)
