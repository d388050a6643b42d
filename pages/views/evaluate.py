"""Evaluate: how well a model finds an image for its caption, and a caption for its image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shared import amounts, job_panel, nav, pickers
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import failures
from workbench.api import DIRECTIONS, Direction, RetrievalReport
from workbench.plots import ranks
from workbench.types import DatasetInfo, JobInfo, ModelInfo

__all__ = ["draw"]

_NAMES: dict[Direction, str] = {
    "text-to-image": "Text to image",
    "image-to-text": "Image to text",
}
_MEASURES = {
    "recall@1": ("R@1", "Share of queries whose right answer is ranked first."),
    "recall@5": ("R@5", "Share of queries with a right answer among the first five."),
    "recall@10": ("R@10", "Share of queries with a right answer among the first ten."),
    "median_rank": (
        "median rank",
        "Half of the queries have their right answer at this rank or better.",
    ),
    "mrr": ("MRR", "Mean of 1 / rank of the right answer."),
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
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        for way in DIRECTIONS:
            st.subheader(_NAMES[way])
            _table(found, way)
        _remarks(found)
    with right:
        _rank_chart(found)


def _table(found: Sequence[RetrievalReport], way: Direction) -> None:
    rows = []
    for report in found:
        values = report.measures[way]
        row: dict[str, Any] = {"model": report.model}
        row |= {_MEASURES[name][0]: values[name] for name in _MEASURES if name in values}
        row["queries"] = int(values["n"])
        rows.append(row)
    config: dict[str, Any] = {
        short: st.column_config.NumberColumn(
            short, help=words, format="%.1f" if name == "median_rank" else "%.3f"
        )
        for name, (short, words) in _MEASURES.items()
    }
    st.dataframe(rows, hide_index=True, column_config=config, key=f"measures.{way}")


def _remarks(found: Sequence[RetrievalReport]) -> None:
    first = found[0]
    remarks = []
    if first.repeated:
        remarks.append(
            f"{amounts.noun(first.repeated, 'caption')} stand at more than one image, so a right "
            "answer can be counted as wrong. Counting any image with the very same caption as "
            "right, " + _tolerant(found) + "."
        )
    if first.without_caption:
        remarks.append(
            f"{amounts.noun(first.without_caption, 'image')} without a caption take part as "
            "possible answers only."
        )
    if any(not report.current for report in found):
        remarks.append("Items were added since: evaluate again to include them.")
    if remarks:
        st.caption("  \n".join(remarks))


def _tolerant(found: Sequence[RetrievalReport]) -> str:
    parts = [
        f"{plain(r.model)} has R@1 {r.tolerant['text-to-image']['recall@1']:.3f} from text and "
        f"{r.tolerant['image-to-text']['recall@1']:.3f} from image"
        for r in found
    ]
    return "; ".join(parts)


def _rank_chart(found: Sequence[RetrievalReport]) -> None:
    way = _direction("rank.way")
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
    failures.draw(info, str(model), way)
