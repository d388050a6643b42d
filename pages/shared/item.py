"""The item dialog: one picture large, with everything known of it. Arrow keys walk the list."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, decisions, nav, url
from pages.shared.cells import of_hits
from pages.shared.errors import guarded
from pages.shared.grid import grid
from pages.shared.handle import api
from pages.shared.pickers import embedded
from pages.shared.picture import picture
from pages.shared.plain import plain, short
from pages.shared.server import picture_url
from workbench.api import ItemDetail
from workbench.types import DatasetInfo

__all__ = ["draw_if_open", "open_item"]

_WALK = "_walk"
_PARAM = "item"
_HIDDEN = ("uri", "digest")


def open_item(dataset: str, row: int, walk: Sequence[int] = ()) -> None:
    """Open the dialog on an item; it is drawn at the end of this run.

    Args:
        dataset: its name.
        row: the item's row.
        walk: rows of the same dataset, in the order in which the arrow keys walk.
    """
    url.write(item=f"{dataset}/{row}")
    st.session_state[_WALK] = (dataset, list(dict.fromkeys(walk)))


def draw_if_open() -> None:
    """Draw the dialog when the address names an item."""
    if found := url.read(_PARAM):
        name = plain(found.rpartition("/")[0])
        st.dialog(f"Item of {name}", width="large", on_dismiss=_closed)(_dialog)()


def _closed() -> None:
    url.write(item=None)


def _dialog() -> None:
    with guarded():
        dataset, _, row = url.read(_PARAM).rpartition("/")
        info = api().dataset(dataset)
        detail = api().item(dataset, int(row) if row.isdigit() else row)
        left, right = st.columns([1.05, 1], gap="medium")
        with left:
            _picture(info, detail)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _walk_buttons(info, detail.row)
                _actions(detail)
        with right:
            _words(detail)
        with guarded():
            decisions.draw(info.name, detail.row)
        _neighbours(info, detail)


def _picture(info: DatasetInfo, detail: ItemDetail) -> None:
    if detail.has_image:
        address = picture_url(info.name, detail.row, info.created, 1024)
        picture(address, alt=detail.captions[0] if detail.captions else detail.item, key="item.big")
    else:
        st.info("This item has no picture.", icon=":material/notes:")


def _walk_buttons(info: DatasetInfo, row: int) -> None:
    name, rows = st.session_state.get(_WALK, ("", []))
    listed = name == info.name and row in rows
    place = rows.index(row) if listed else row
    total = len(rows) if listed else info.items
    previous = (rows[place - 1] if listed else row - 1) if place > 0 else None
    following = (rows[place + 1] if listed else row + 1) if place + 1 < total else None
    _step("Previous", "Left", info.name, previous)
    _step("Next", "Right", info.name, following)
    where = "in this list" if listed else "in the dataset"
    st.caption(f"{amounts.count(place + 1)} of {amounts.count(total)} {where}", width="content")


def _step(label: str, shortcut: str, dataset: str, row: int | None) -> None:
    st.button(
        label,
        key=f"item.{label}",
        shortcut=shortcut,
        disabled=row is None,
        on_click=url.write,
        kwargs={_PARAM: f"{dataset}/{row}"},
    )


def _actions(detail: ItemDetail) -> None:
    if not detail.has_image:
        return
    st.space("stretch")
    if st.button("Find similar", icon=":material/image_search:"):
        nav.go("retrieval", dataset=detail.dataset, like=f"{detail.dataset}/{detail.row}")
    ending = str(detail.columns.get("format") or "bin").lower()
    st.download_button(
        "Original",
        data=lambda: api().image(detail.dataset, detail.row),
        file_name=f"{detail.dataset}-{detail.row}.{ending}",
        mime="application/octet-stream",
        icon=":material/download:",
        help="The image file as it was imported.",
        on_click="ignore",
    )


def _words(detail: ItemDetail) -> None:
    label = detail.columns.get("label")
    with st.container(gap="xsmall"):
        st.markdown(f"### {plain(label if label is not None else short(detail.item, 48))}")
        st.caption(plain(detail.item))
    if detail.captions:
        with st.container(gap="xsmall", key="item.captions"):
            for caption in detail.captions:
                st.text(caption)
    _tags(detail)
    _note(detail)
    rows = [
        {"column": name, "value": _shown(value)}
        for name, value in detail.columns.items()
        if value is not None and name not in _HIDDEN
    ]
    st.dataframe(
        rows, hide_index=True, height="content" if len(rows) <= 9 else 330, key="item.columns"
    )


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _tags(detail: ItemDetail) -> None:
    key = f"item.tags.{detail.dataset}.{detail.row}"
    known = sorted({*api().all_tags(detail.dataset), *detail.tags})

    def changed() -> None:
        now = {tag.strip() for tag in st.session_state[key] if tag.strip()}
        for tag in now - set(detail.tags):
            api().add_tag(detail.dataset, detail.item, tag)
        for tag in set(detail.tags) - now:
            api().remove_tag(detail.dataset, detail.item, tag)

    st.multiselect(
        "Tags",
        known,
        default=list(detail.tags),
        key=key,
        accept_new_options=True,
        on_change=changed,
        placeholder="type a tag, then Enter",
    )


def _note(detail: ItemDetail) -> None:
    key = f"item.note.{detail.dataset}.{detail.row}"

    def changed() -> None:
        api().set_note(detail.dataset, detail.item, st.session_state[key].strip())

    st.text_area(
        "Note", detail.note, key=key, height=68, on_change=changed, placeholder="saved as you leave"
    )


def _neighbours(info: DatasetInfo, detail: ItemDetail) -> None:
    found = embedded(info.name) if detail.has_image else []
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        sides = ["Similar images", "Nearest texts"] if info.captions else ["Similar images"]
        side = st.segmented_control(
            "Nearest by cosine", sides, default=sides[0], required=True, key="item.side"
        )
        names = [model.name for model in found]
        model = st.selectbox("Model", names, key="item.model", width=200)
    with guarded():
        _nearest(info, detail, str(model), texts=side == "Nearest texts")


def _nearest(info: DatasetInfo, detail: ItemDetail, model: str, *, texts: bool) -> None:
    target = "caption" if texts else "image"
    k = 8 if texts else 14
    result = api().neighbours(info.name, model, detail.row, target=target, k=k)
    event = grid(
        of_hits(info, result.hits, scale=(0.0, 1.0), size=96 if texts else 192),
        key=f"item.near.{target}",
        layout="list" if texts else "strip",
        size="small",
    )
    if event is not None:
        url.write(item=f"{info.name}/{event.row}")
        st.rerun(scope="fragment")
