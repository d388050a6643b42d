"""Captions and images: concepts that a dataset's captions name against those its images show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, item, nav, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.shared.server import picture_url
from pages.views import concept, countings, zero_shot_runs
from workbench.api import CountRun, PredictionRow, Sides, ZeroShotRun
from workbench.plots.sides import captions_and_images

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_PART = paging.Part(24, "small")
_ABOUT = (
    "An item counts on the side of the captions when one of its captions names a concept, and on "
    "the side of the images when the model gives its image the class with at least the "
    "probability above (of the ten best classes). **Integrated** items have a concept on both "
    "sides. The **degree of misalignment** counts items that have concepts on both sides and none "
    "in common (Udandarao et al., NeurIPS 2024): there caption and image tell of different things, "
    "or the model is wrong."
)
_SIDES = {"captions": "Caption only", "images": "Image only", "both": "Both"}


def draw() -> None:
    """Draw the tab."""
    captioned = {corpus.name for corpus in api().corpora() if corpus.kind == "dataset"}
    runs = [run for run in api().zero_shot_runs() if run.dataset in captioned]
    if not runs:
        _no_run(bool(captioned))
        return
    counts = api().counts()
    counted = {(count.corpus, count.classes_key) for count in counts}
    runs.sort(key=lambda run: (run.dataset, run.classes_key) not in counted)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run = zero_shot_runs.pick(runs)
        fitting = [c for c in counts if (c.corpus, c.classes_key) == (run.dataset, run.classes_key)]
        count = countings.pick(fitting) if fitting else None
        threshold = st.slider(
            "An image has a class from",
            min_value=0.05,
            max_value=1.0,
            value=0.5,
            step=0.05,
            key="threshold",
            bind="query-params",
            width=220,
            help="Probability that the run gives; the paper's tagger uses 0.7.",
        )
    if count is None:
        st.info(
            f"The captions of {plain(run.dataset)} are not counted for these classes yet.",
            icon=":material/format_list_numbered:",
        )
        countings.make(run, [run.dataset], key="sides.make")
        return
    found = _sides(count.key, run.key, float(threshold))
    _measures(found)
    with st.expander("What is compared", icon=":material/help:"):
        st.markdown(_ABOUT)
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        _picture(run, count, found, float(threshold))
        _table(run, found)
    with right:
        _one(run, count, found)


def _no_run(captioned: bool) -> None:
    if captioned:
        st.info(
            "This compares what captions name with what a model sees in their images. It takes a "
            "zero-shot run on a dataset with captions.",
            icon=":material/target:",
        )
        nav.link("zero_shot", "Evaluate", icon=":material/target:")
    else:
        st.info("No dataset here has captions.", icon=":material/info:")
        nav.link("datasets", "Datasets", icon=":material/photo_library:")


@st.cache_resource(max_entries=10, show_spinner="Looking for concepts in the captions")
def _sides(count: str, run: str, threshold: float) -> Sides:
    return api().sides(count, run, threshold)


def _measures(found: Sides) -> None:
    told = found.degree
    with st.container(horizontal=True, gap="large"):
        for label, value, words in (
            (
                "Misaligned",
                told.by_index,
                f"{amounts.count(told.apart)} items without a common concept, over the larger of "
                f"those with one in the caption ({amounts.count(told.with_text)}) and in the image "
                f"({amounts.count(told.with_image)}), as the paper's code does.",
            ),
            (
                "Of all items",
                told.by_corpus,
                f"The same {amounts.count(told.apart)} items over all "
                f"{amounts.count(told.samples)}.",
            ),
            (
                "Of those that could agree",
                told.by_both,
                f"Over the {amounts.count(told.with_both)} items with a concept on both sides.",
            ),
        ):
            shown = f"{value:.1%}" if not math.isnan(value) else "n/a"
            st.metric(label, shown, help=words, width="content")
        for label, number, words in (
            ("With a named concept", told.with_text, "Items whose captions name one or more."),
            ("With a seen concept", told.with_image, "Items whose image is given one or more."),
            ("Items", told.samples, "Of the dataset, as far as the run looked at them."),
        ):
            st.metric(label, amounts.count(number), help=words, width="content")


def _picture(run: ZeroShotRun, count: CountRun, found: Sides, threshold: float) -> None:
    figure = _figure(count.key, run.key, threshold, found)

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        _choose(int(data[0]) if data else None)

    chart(figure, key="sides.chart", on_click=clicked)
    st.caption(
        "A point is a concept; below the dotted line captions name it more often than images show "
        "it. Click one for its items."
    )
    figure_export(
        figure,
        chart="sides.chart",
        name=f"{run.dataset}-captions-and-images",
        rows=_rows(run, found),
    )


@st.cache_resource(max_entries=10, show_spinner=False)
def _figure(count: str, run: str, threshold: float, _found: Sides) -> Figure:
    told = _found.degree
    sides = (each.tolist() for each in (told.text, told.image, told.integrated))
    return captions_and_images(zero_shot_runs.class_names(run), *sides)


def _rows(run: ZeroShotRun, found: Sides) -> list[dict[str, Any]]:
    """Concepts on either side, those that differ most first."""
    told = found.degree
    sides = (each.tolist() for each in (told.text, told.image, told.integrated))
    rows = [
        {
            "place": place,
            "concept": name,
            "captions": text,
            "images": image,
            "integrated": both,
            "agreement": both / (text + image - both),
        }
        for place, (name, text, image, both) in enumerate(
            zip(zero_shot_runs.class_names(run.key), *sides, strict=True)
        )
        if text or image
    ]
    return sorted(rows, key=lambda row: 2 * row["integrated"] - row["captions"] - row["images"])


def _table(run: ZeroShotRun, found: Sides) -> None:
    rows = _rows(run, found)
    shown = [{name: row[name] for name in row if name != "place"} for row in rows]

    def selected() -> None:
        picked = st.session_state["sides.table"].selection.rows
        _choose(rows[picked[0]]["place"] if picked else None)

    st.dataframe(
        shown,
        hide_index=True,
        height=380 if len(shown) > 9 else "content",
        key="sides.table",
        column_config={
            "concept": st.column_config.TextColumn("concept", pinned=True, width="medium"),
            "captions": st.column_config.NumberColumn(
                "captions", help="Items whose captions name it."
            ),
            "images": st.column_config.NumberColumn("images", help="Items whose image shows it."),
            "integrated": st.column_config.NumberColumn(
                "integrated", help="Items with it on both sides."
            ),
            "agreement": st.column_config.NumberColumn(
                "agreement", format="percent", help="Integrated items of the items on either side."
            ),
        },
        selection_mode="single-row",
        on_select=selected,
    )
    export.table(lambda: shown, name=f"{run.dataset}-captions-and-images", key="sides.export")


def _choose(place: int | None) -> None:
    st.session_state.pop("page", None)
    url.write(concept=place, page=None, of=None)


def _one(run: ZeroShotRun, count: CountRun, found: Sides) -> None:
    """The items of the chosen concept by side; those without a common concept when none is."""
    place = url.read_int("concept", -1)
    names = zero_shot_runs.class_names(run.key)
    if not 0 <= place < len(names):
        st.subheader("Items without a common concept")
        _items(run, found, found.apart, name="apart")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(names[place]), width="stretch")
        st.button(
            "Close", icon=":material/close:", on_click=_choose, args=(None,), key="sides.close"
        )
    sides = found.of(place)
    side = url.read("of")
    if side not in sides:
        side = next((each for each in _SIDES if sides[each]), "both")
    key = f"sides.of.{place}.{side}"
    st.segmented_control(
        "Items",
        list(_SIDES),
        default=side,
        required=True,
        format_func=lambda each: f"{_SIDES[each]} ({amounts.count(len(sides[each]))})",
        key=key,
        label_visibility="collapsed",
        on_change=lambda: url.write(of=st.session_state[key], page=None),
    )
    _items(run, found, sides[side], name=side)
    concept.captions(count, place, limit=6)


def _items(run: ZeroShotRun, found: Sides, rows: Sequence[int], *, name: str) -> None:
    """A page of items with what their captions name and what the model says."""
    offset = paging.offset(_PART)
    offset = offset if offset < len(rows) else 0
    shown = rows[offset : offset + _PART.per_page]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{amounts.noun(len(rows), 'item')}**", width="stretch")
        export.table(
            lambda: [{"row": row} for row in rows], name=f"{run.dataset}-{name}", key="sides.rows"
        )
    event = grid(_cells(run, found, shown), key="sides.grid", size="small", empty="No such item.")
    if event is not None:
        item.open_item(run.dataset, event.row, rows)
    paging.pager(len(rows), _PART)


def _cells(run: ZeroShotRun, found: Sides, rows: Sequence[int]) -> list[Cell]:
    info = api().dataset(run.dataset)
    names = zero_shot_runs.class_names(run.key)
    said: dict[int, PredictionRow] = {}
    if rows:
        page = api().predictions(run.key, rows=rows, limit=len(rows))
        said = {one.row: one for one in page.rows}
    named = found.named(rows)
    cells = []
    for row in rows:
        one = said.get(row)
        cells.append(
            Cell(
                row=row,
                url=picture_url(info.name, row, info.created),
                title=", ".join(names[place] for place in named[row]) or "nothing named",
                text=f"seen: {one.predicted_name}" if one is not None else "",
                score=f"{one.confidence:.0%}" if one is not None else "",
            )
        )
    return cells
