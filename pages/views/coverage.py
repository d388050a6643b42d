"""Which model has embedded how much of which dataset, with buttons for what is missing."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts
from pages.shared.handle import api
from pages.shared.plain import plain
from workbench.types import DatasetInfo, IndexInfo, JobInfo, ModelInfo, VectorsInfo

__all__ = ["draw"]

_WIDTH = 2
_SIDES = {"image": "images", "caption": "texts"}


def draw(models: Sequence[ModelInfo]) -> None:
    """Draw the matrix, a card a cell: two models a row, so that names stay readable."""
    st.subheader("Coverage", help="Embedding runs in the background, also with the page closed.")
    datasets = api().datasets()
    if not datasets:
        st.caption("No dataset yet.")
        return
    vectors = {(v.dataset, v.model, v.side): v for v in api().vectors()}
    indexes = {(i.dataset, i.model, i.side): i for i in api().indexes()}
    jobs = [j for j in api().jobs(("queued", "running"), limit=1000) if j.kind == "embed"]
    for info in datasets:
        st.markdown(f"**{plain(info.name)}** :gray[{amounts.noun(info.items, 'item')}]")
        for start in range(0, len(models), _WIDTH):
            columns = st.columns(_WIDTH, gap="small")
            for column, model in zip(columns, models[start : start + _WIDTH], strict=False):
                with column, st.container(border=True, gap="xsmall"):
                    _cell(info, model, vectors, indexes, jobs)


def _cell(
    info: DatasetInfo,
    model: ModelInfo,
    vectors: dict[tuple[str, str, str], VectorsInfo],
    indexes: dict[tuple[str, str, str], IndexInfo],
    jobs: Sequence[JobInfo],
) -> None:
    mine = [v for side in _SIDES if (v := vectors.get((info.name, model.key, side))) is not None]
    totals = {"image": info.items, "caption": info.captions}
    done = {v.side: v.done for v in mine}
    whole = all(done.get(side, 0) >= total for side, total in totals.items())
    running = _running(jobs, info, model)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        icon = ":material/check_circle:" if whole else ":material/radio_button_unchecked:"
        st.markdown(f"{icon} {plain(model.name)}", width="stretch")
        if not whole and running is None:
            st.button(
                "Embed" if not done else "Complete",
                key=f"cover.{info.name}.{model.key}",
                on_click=api().submit_embed,
                args=(info.name, model.name),
            )
    for side, total in totals.items():
        if total:
            _side(side, done.get(side, 0), total, indexes.get((info.name, model.key, side)))
    if running is not None:
        st.caption(plain(f"{running.state}: {amounts.progress_words(running)}".rstrip(": ")))


def _side(side: str, done: int, total: int, index: IndexInfo | None) -> None:
    if done < total:
        st.progress(
            done / total, text=f"{amounts.count(done)} of {amounts.count(total)} {_SIDES[side]}"
        )
        return
    kind = f" · {plain(index.kind)}" if index is not None else ""
    exact = "" if index is None or index.exact else ", approximate"
    reason = plain(index.reason) if index is not None else "No index yet; search compares directly."
    st.caption(f"{amounts.count(total)} {_SIDES[side]}{kind}{exact}", help=reason)


def _running(jobs: Sequence[JobInfo], info: DatasetInfo, model: ModelInfo) -> JobInfo | None:
    for job in jobs:
        named = job.params.get("model") in (model.name, model.key)
        if named and job.params.get("dataset") == info.name:
            return job
    return None
