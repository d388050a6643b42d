"""Patches of an expert as a wall of crops, each enlarged around its patch, and a short preview."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import export, item, paging, url
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.shared.server import picture_url
from pages.views import experts_sources
from workbench.api import Patch, Recording
from workbench.types import DatasetInfo

__all__ = ["around", "preview", "wall"]

_MOST = 256
_FEW = 14
_WORDS = 14

Box = tuple[float, float, float, float]


def preview(recording: Recording, layer: int, expert: int) -> None:
    """The expert that was clicked in a chart: some of its patches and words, and the way on."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"**Block {layer}, expert {expert}** of {experts_sources.named(recording)}",
                width="stretch",
            )
            st.button(
                "Everything of this expert",
                key="preview.open",
                icon=":material/arrow_forward:",
                on_click=_whole,
                args=(recording.key, layer, expert),
            )
        found = api().top_patches(recording.key, layer, expert, n=_FEW)
        if found:
            _grid(recording, found, context=1, layout="strip", key=f"preview.{layer}.{expert}")
        words = api().expert_words(recording.key, layer, expert)
        if words.words:
            shown = "  ".join(
                f"{plain(word)} :gray[{n:,.0f}]"
                for word, n in zip(words.words[:_WORDS], words.n.tolist(), strict=False)
            )
            st.markdown(f"Words: {shown}")
        if not found and not words.words:
            st.caption("Neither a patch nor a word came to this expert.")


def _whole(recording: str, layer: int, expert: int) -> None:
    url.write(recording=recording)
    experts_sources.open_expert(layer, expert, whole=True)


def wall(recording: Recording, layer: int, expert: int, *, per_page: int = 40) -> None:
    """All kept patches of an expert, those with the largest gates first, page by page."""
    found = _patches(recording.key, recording.created, layer, expert)
    if not found:
        st.info("No image patch came to this expert.", icon=":material/texture:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        context = st.segmented_control(
            "Around the patch",
            ["patch", "near", "far", "whole image"],
            default="near",
            required=True,
            key="context",
            bind="query-params",
            help="How much of the picture is shown around each patch; the frame marks the patch.",
        )
        st.space("stretch")
        export.table(
            lambda: [
                {
                    "rank": each.rank,
                    "row": each.row,
                    "position": each.position,
                    "gate": each.gate,
                }
                for each in found
            ],
            name=f"{recording.model}-block{layer}-expert{expert}-patches",
            key="wall.export",
        )
    part = paging.Part(per_page, "small")
    offset = paging.offset(part)
    offset = offset if offset < len(found) else 0
    around = {"patch": 0, "near": 1, "far": 3}.get(str(context))
    shown = found[offset : offset + per_page]
    _grid(recording, shown, context=around, layout="grid", key="wall", walk=found)
    paging.pager(len(found), part)


@st.cache_resource(max_entries=50, show_spinner=False)
def _patches(key: str, created: float, layer: int, expert: int) -> tuple[Patch, ...]:
    return api().top_patches(key, layer, expert, n=_MOST)


def _grid(
    recording: Recording,
    found: Sequence[Patch],
    *,
    context: int | None,
    layout: str,
    key: str,
    walk: Sequence[Patch] = (),
) -> None:
    known = {each.name: each for each in api().datasets()}
    if recording.dataset not in known:
        st.caption("The dataset was removed, so there are no pictures to show.")
        return
    info = known[recording.dataset]
    event = grid(
        [_cell(info, each, context) for each in found],
        key=key,
        layout="strip" if layout == "strip" else "grid",
        size="small",
    )
    if event is not None:
        item.open_item(info.name, event.row, [each.row for each in (walk or found)])


def _cell(info: DatasetInfo, patch: Patch, context: int | None) -> Cell:
    part = _whole_picture(patch.box) if context is None else around(patch.box, context)
    return Cell(
        row=patch.row,
        url=picture_url(info.name, patch.row, info.created, 320),
        score=f"{patch.gate:.2f}",
        part=part,
        outline=patch.box if context != 0 else None,
        hint=f"item {patch.row}, patch {patch.position}, gate {patch.gate:.3f}",
    )


def around(box: Box, context: int) -> Box:
    """The patch with so many patches on each side, moved to lie within the picture."""
    left, right = _moved(box[0], box[2], context)
    upper, lower = _moved(box[1], box[3], context)
    return left, upper, right, lower


def _whole_picture(box: Box) -> Box:
    """The whole picture in a part of a patch's proportions, which fills the frame undistorted."""
    wide, high = box[2] - box[0], box[3] - box[1]
    times = max(1 / wide, 1 / high) / 2
    return 0.5 - times * wide, 0.5 - times * high, 0.5 + times * wide, 0.5 + times * high


def _moved(low: float, high: float, context: int) -> tuple[float, float]:
    size = high - low
    start, whole = low - context * size, (2 * context + 1) * size
    if low < 0 or high > 1 or whole >= 1:  # margins that the picture does not have
        return start, start + whole
    start = min(max(start, 0.0), 1.0 - whole)
    return start, start + whole
