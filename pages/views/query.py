"""What is looked for: words, words to avoid, an uploaded image, or an item of a dataset."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from pages.shared import url
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.shared.server import picture_url
from workbench.api import Query
from workbench.errors import WorkbenchError
from workbench.types import Side

__all__ = ["Asked", "ask"]

_TARGETS: dict[str, Side] = {"Images": "image", "Texts": "caption"}
_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


@dataclass(frozen=True)
class Asked:
    """A query and which side of the dataset is ranked.

    Args:
        query: None while nothing is asked yet.
        key: text that is equal for equal queries; uploaded images enter by their digest.
        words: the query as read, for titles and file names; not escaped.
    """

    query: Query | None
    target: Side
    key: str = ""
    words: str = ""


def ask(*, texts: bool) -> Asked:
    """Draw the widgets of the query; return what they say.

    Args:
        texts: the dataset has captions, so that texts can be looked for too.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Look for",
            key="q",
            type="search",
            bind="query-params",
            placeholder="a red apple",
            width="stretch",
        )
        exclude = st.text_input(
            "But not",
            key="not",
            bind="query-params",
            placeholder="words to steer away from",
            width=220,
            help="Half of the excluded text's unit vector is subtracted from the query's, and the "
            "difference is scaled back to unit length.",
        )
        upload = _upload()
        target = _target() if texts else "image"
    item = _like()
    weight = _weight() if (text or "").strip() and (upload or item) else 0.5
    texts_asked = ((text or "").strip(), (exclude or "").strip())
    return _asked(texts_asked, upload, item, weight, target)


def _target() -> Side:
    chosen = st.segmented_control(
        "Among", list(_TARGETS), default="Images", required=True, key="target", bind="query-params"
    )
    return _TARGETS[chosen or "Images"]


def _upload() -> bytes | None:
    """The bytes of an uploaded image. It replaces an item as the query."""
    with st.popover("Image", icon=":material/add_photo_alternate:", key="upload.pop"):
        file = st.file_uploader("Query image", _TYPES, key="upload", max_upload_size=64)
        if file is None:
            st.caption("It stays on this machine and is not stored.")
            return None
        url.write(like=None)
        st.image(file, width="stretch")
        return bytes(file.getvalue())


def _like() -> tuple[str, int] | None:
    """The item in the address that is the query, shown with its picture and a way to drop it."""
    dataset, _, row = url.read("like").rpartition("/")
    if not dataset or not row.isdigit():
        return None
    try:
        info, detail = api().dataset(dataset), api().item(dataset, int(row))
    except WorkbenchError:
        url.write(like=None)
        return None
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="like"):
        with st.container(width=64):
            grid(
                [Cell(detail.row, picture_url(dataset, detail.row, info.created, 96))],
                key="like.picture",
                size="tiny",
            )
        st.markdown(
            f"like **{plain(short(detail.item, 60))}** of {plain(dataset)}", width="content"
        )
        st.button(
            "Drop",
            icon=":material/close:",
            key="like.drop",
            on_click=url.write,
            kwargs={"like": None},
        )
    return dataset, detail.row


def _weight() -> float:
    return st.slider(
        "Weight of the image against the words",
        0.0,
        1.0,
        0.5,
        0.05,
        key="weight",
        bind="query-params",
        width=320,
        help="w in norm(w · image + (1 − w) · text), with unit vectors.",
    )


def _asked(
    texts: tuple[str, str],
    upload: bytes | None,
    item: tuple[str, int] | None,
    weight: float,
    target: Side,
) -> Asked:
    text, exclude = texts
    if not text and upload is None and item is None:
        return Asked(None, target)
    digest = hashlib.blake2b(upload, digest_size=12).hexdigest() if upload else ""
    query = Query(text=text, exclude=exclude, image=upload, item=item, image_weight=weight)
    parts = [text, f"like {item[0]} {item[1]}" if item else "", "image" if upload else ""]
    words = " + ".join(part for part in parts if part) + (f" - {exclude}" if exclude else "")
    return Asked(
        query, target, key=repr((text, exclude, digest, item, weight, target)), words=words
    )
