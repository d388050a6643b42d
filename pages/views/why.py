"""Why: one decision taken apart, prompt by prompt, beside its neighbours and the other runs."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.shared import amounts, export, item, url
from pages.shared.cells import of_hits
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.shared.server import picture_url
from pages.views import verdict, why_prompts, zero_shot_runs
from workbench.api import Explanation, PredictionRow, ZeroShotRun

__all__ = ["draw"]

_WALKED = 500
_OTHERS = 12


def draw(run: ZeroShotRun) -> None:
    """Draw the tab: the image that the address names, or the mistake that is furthest off."""
    walk = _walk(run.key)
    row = url.read_int("row", walk[0] if walk else -1)
    if row < 0:
        st.success("This run made no mistake. Choose an image in the gallery.")
        return
    one = api().prediction_of(run.key, row)
    if one is None:
        st.info("This run did not look at that image: it was filtered out, or came later.")
        return
    others = [each.key for each in api().zero_shot_runs(run.dataset) if each.key != run.key]
    found = api().explain(run.key, row, others=others[:_OTHERS])
    left, right = st.columns([1, 1.8], gap="large")
    with left:
        _image(run, one, walk)
    with right:
        why_prompts.draw(run, found)
        _others(found)
    _neighbours(run, found)


@st.cache_data(max_entries=20, show_spinner=False)
def _walk(key: str) -> list[int]:
    """The mistakes that the arrow keys walk, those furthest off first."""
    found = api().predictions(key, correct=False, sort=("margin", "asc"), limit=_WALKED)
    return [one.row for one in found.rows]


def _image(run: ZeroShotRun, one: PredictionRow, walk: list[int]) -> None:
    info = api().dataset(run.dataset)
    address = picture_url(info.name, one.row, info.created, 320)
    event = grid([Cell(one.row, address, hint=one.item)], key="why.picture", size="large")
    if event is not None:
        item.open_item(run.dataset, one.row, walk)
    st.markdown(_verdict(one))
    verdict.draw(run, one)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _steps(one.row, walk)
    _top(one)


def _verdict(one: PredictionRow) -> str:
    guess = f"**{plain(one.predicted_name)}** with {one.confidence:.1%}"
    if one.truth < 0:
        return f"Taken for {guess}; the image has no label."
    if one.truth == one.predicted:
        return f":green-badge[right] {guess}, margin {one.margin:.2f}."
    return (
        f":orange-badge[mistake] It is **{plain(one.truth_name)}** (ranked {one.rank:,}), taken "
        f"for {guess}; margin {one.margin:.2f}."
    )


def _steps(row: int, walk: list[int]) -> None:
    place = walk.index(row) if row in walk else -1
    before = walk[place - 1] if place > 0 else None
    after = walk[place + 1] if place + 1 < len(walk) else None
    for label, shortcut, to in (("Previous", "Left", before), ("Next", "Right", after)):
        st.button(
            label,
            key=f"why.{label}",
            shortcut=shortcut,
            disabled=to is None,
            on_click=url.write,
            kwargs={"row": to},
        )
    words = f"{amounts.count(place + 1)} of {amounts.count(len(walk))}" if place >= 0 else ""
    st.caption(words, width="content", help="Of the run's mistakes, those furthest off first.")


def _top(one: PredictionRow) -> None:
    """The best classes with their probabilities; the true one is marked."""
    ranked = zip(one.names, one.probabilities, one.scores, strict=True)
    rows = [
        {"": "✓" if rank == one.rank else "", "class": name, "probability": p, "logit": score}
        for rank, (name, p, score) in enumerate(ranked, start=1)
    ]
    columns: dict[str, Any] = {
        "": st.column_config.TextColumn("", width=24, help="The true class."),
        "probability": st.column_config.ProgressColumn("probability", format="percent"),
        "logit": st.column_config.NumberColumn("logit", format="%.2f"),
    }
    st.dataframe(rows, hide_index=True, height="content", column_config=columns, key="why.top")


def _neighbours(run: ZeroShotRun, found: Explanation) -> None:
    """The nearest other images: what the model sees as alike, with their labels."""
    st.subheader("Nearest images", help="By cosine under the run's model, in the same dataset.")
    event = grid(
        of_hits(api().dataset(run.dataset), found.neighbours, scale=(0.0, 1.0)),
        key="why.near",
        layout="strip",
        size="medium",
        empty="No other image is embedded.",
    )
    if event is not None:
        item.open_item(run.dataset, event.row, [hit.row for hit in found.neighbours])
    alike = [hit.columns.get(run.label) for hit in found.neighbours]
    known = [str(label) for label in alike if label is not None]
    if known:
        top = max(dict.fromkeys(known), key=known.count)
        st.caption(f"{known.count(top)} of {len(known)} are labelled {plain(top)}.")


def _others(found: Explanation) -> None:
    """What other heads, prompts and models said of the same image."""
    st.subheader("Other runs")
    if not found.others:
        st.caption("No other run looked at this image.")
        return
    rows = [
        {
            "": "✓" if one.truth == one.predicted else "",
            "run": zero_shot_runs.title(run),
            "says": one.predicted_name,
            "confidence": one.confidence,
            "rank of truth": one.rank if one.rank > 0 else None,
        }
        for run, one in found.others
    ]

    def selected() -> None:
        places = st.session_state["why.others"].selection.rows
        if places:
            url.write(run=found.others[places[0]][0].key)

    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        key="why.others",
        column_config={
            "": st.column_config.TextColumn("", width=24, help="Whether it is right."),
            "confidence": st.column_config.ProgressColumn("confidence", format="percent"),
        },
        selection_mode="single-row",
        on_select=selected,
    )
    right = sum(one.truth == one.predicted for _, one in found.others)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = f"{right} of {len(rows)} are right. Click one to take its decision apart."
        st.caption(words, width="stretch")
        export.table(lambda: rows, name=f"item-{found.row}-runs", key="why.others.export")
