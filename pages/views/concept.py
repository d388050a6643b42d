"""One concept of a counting: its names, its neighbours in captions, the captions and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from pages.shared import amounts, export, item, paging, url
from pages.shared.cells import of_records
from pages.shared.chart import chart
from pages.shared.grid import grid
from pages.shared.handle import api
from pages.shared.marked import marked
from pages.shared.plain import plain
from pages.views import predicted, zero_shot_runs
from workbench.api import CaptionExample, CountRun, ZeroShotRun
from workbench.filters import Filter
from workbench.plots import bars, style

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["captions", "choose", "draw"]

_NEIGHBOURS = 10
_EXAMPLES = 20
_SMALL = paging.Part(12, "small")


def choose(number: int | None) -> None:
    """Open a concept by its number in the class set; None opens the most frequent one."""
    st.session_state.pop("at", None)
    url.write(concept=number, at=None)


def draw(run: CountRun, table: pa.Table) -> None:
    """Draw the concept that the address names; the most frequent one when it names none.

    Args:
        run: the counting.
        table: its concepts, the most frequent first.
    """
    numbers = table["concept"].to_pylist()
    number = url.read_int("concept", -1)
    place = numbers.index(number) if number in numbers else 0
    record = table.slice(place, 1).to_pylist()[0]
    st.subheader(plain(record["name"]))
    share = f", {record['captions'] / run.captions:.2%} of all" if run.captions else ""
    st.markdown(
        f"**{amounts.noun(record['captions'], 'caption')}**{share}; rank "
        f"{amounts.count(place + 1)} of {amounts.noun(table.num_rows, 'concept')}."
    )
    _names(run, record)
    captions(run, record["concept"])
    _images(run, record)
    _together(run, record)


def _names(run: CountRun, record: Mapping[str, Any]) -> None:
    """Captions of each of its names."""
    terms = api().count_terms(run.key, record["concept"]).select(["term", "captions", "alone"])
    most = max(1, *terms["captions"].to_pylist())
    st.dataframe(
        terms.sort_by([("captions", "descending")]),
        hide_index=True,
        key=f"concept.names.{record['concept']}",
        column_config={
            "term": st.column_config.TextColumn("called", pinned=True, width="medium"),
            "captions": st.column_config.ProgressColumn(
                "captions",
                format="localized",
                min_value=0,
                max_value=most,
                help="Captions with this name. A caption with two names counts for both, so they "
                "may add up to more than the concept has.",
            ),
            "alone": st.column_config.NumberColumn(
                "alone",
                format="localized",
                help="Captions with this name that name no other concept: there the word is more "
                "likely meant in this sense.",
            ),
        },
    )


def _together(run: CountRun, record: Mapping[str, Any]) -> None:
    """Concepts that stand in the same captions; a click goes there."""
    beside = api().count_together(run.key, record["concept"], _NEIGHBOURS)
    if not beside.num_rows:
        st.caption("No caption names another concept beside it.")
        return
    rows = beside.to_pylist()
    st.markdown("**In the same captions**", help="Click a bar to open that concept.")

    def clicked(point: Mapping[str, Any] | None) -> None:
        if point is not None:
            choose(rows[int(point["point_index"])]["concept"])

    key = f"concept.together.{record['concept']}"
    pairs = [(row["name"], row["captions"]) for row in rows]
    chart(bars.counts(pairs, colour=style.TEXT_COLOUR, noun="captions"), key=key, on_click=clicked)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        left_out = "" if run.pairs_complete else " The rarest pairs were not kept."
        st.caption(f"At most the {_NEIGHBOURS} most frequent.{left_out}", width="stretch")
        export.table(
            lambda: api().count_together(run.key, record["concept"], 100_000),
            name=f"{run.corpus}-concept-{record['concept']}-together",
            key=f"{key}.export",
        )


def captions(run: CountRun, number: int, *, limit: int = _EXAMPLES) -> None:
    """Draw the example captions of a concept with its words marked, and their images.

    Args:
        run: the counting.
        number: of the concept in its class set.
        limit: how many captions.
    """
    found = _examples(run.key, run.current, number, limit)
    if not found:
        st.caption("No caption names it.")
        return
    st.markdown(
        "**Captions**",
        help=f"The first {len(found)} of the corpus that name it, its words marked.",
    )
    height: Literal["content"] | int = 240 if len(found) > 6 else "content"
    with st.container(height=height, border=True, gap="xsmall", key="concept.captions"):
        for each in found:
            where = plain(PurePath(each.where).name)
            st.markdown(f"{marked(each.text, each.spans)} :small[:gray[{where}]]")
    _pictured(run.corpus, found)


@st.cache_resource(max_entries=200, show_spinner=False)
def _examples(key: str, current: bool, number: int, limit: int) -> tuple[CaptionExample, ...]:
    """Captions of a concept; what they are called changes when the corpus goes."""
    return api().count_examples(key, number, limit)


def _pictured(dataset: str, found: Sequence[CaptionExample]) -> None:
    """The images of these captions, where they are a dataset's own."""
    rows = list(dict.fromkeys(each.item for each in found if each.item >= 0))
    if not rows:
        return
    st.markdown("**Images of these captions**")
    info = api().dataset(dataset)
    records = [_record(dataset, row) for row in rows]
    event = grid(
        of_records(info, records), key="concept.pictured", size="small", accent=style.IMAGE_COLOUR
    )
    if event is not None:
        item.open_item(dataset, event.row, rows)


def _record(dataset: str, row: int) -> dict[str, Any]:
    detail = api().item(dataset, row)
    return {"row": row, "item": detail.item, "uri": "x", "label": detail.columns.get("label")}


def _images(run: CountRun, record: Mapping[str, Any]) -> None:
    """Images of the class of this name: of a run with it, else of a dataset with the label."""
    for other, place in _runs(run, record):
        st.markdown(
            f"**Images of the class** in {plain(other.dataset)}, as seen by {plain(other.model)}"
        )
        asked = predicted.Asked(other, {"truth": place})
        predicted.draw(asked, "are of this class", key="concept.images", part=_SMALL, param="at")
        return
    for info in api().datasets():
        if any(c.name == "label" and c.distinct for c in api().columns(info.name)):
            where = (Filter("label", "in", (record["name"],)),)
            rows = api().items(info.name, where, limit=_SMALL.per_page).to_pylist()
            if rows:
                st.markdown(f"**Images with the label** in {plain(info.name)}")
                event = grid(of_records(info, rows), key="concept.labelled", size="small")
                if event is not None:
                    item.open_item(info.name, event.row, [row["row"] for row in rows])
                return
    st.caption("No dataset here has images of this class.")


def _runs(run: CountRun, record: Mapping[str, Any]) -> list[tuple[ZeroShotRun, int]]:
    """The newest zero-shot run that has this class, and the class's number there."""
    runs = api().zero_shot_runs()
    for other in runs:
        if other.classes_key == run.classes_key:
            return [(other, int(record["concept"]))]
    for other in runs:
        names = _names_of(other.key)
        if record["name"] in names:
            return [(other, names.index(record["name"]))]
    return []


@st.cache_data(max_entries=50, show_spinner=False)
def _names_of(key: str) -> tuple[str, ...]:
    return zero_shot_runs.class_names(key)
