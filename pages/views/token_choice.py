"""Which image is looked at on the page Image and sentence, and what stands beside it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared import amounts, url
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.server import picture_url
from workbench.api import Recording

__all__ = ["At", "Looked", "choose", "go"]

At = tuple[str, float, int]

_FOUND = 60
_WAYS = ("Nothing", "Another image", "Another recording")


@dataclass(frozen=True)
class Looked:
    """One item of one recording.

    Args:
        recording: whose routing.
        row: of the item.
    """

    recording: Recording
    row: int

    @property
    def at(self) -> At:
        """What its tokens are kept under: key and time of the recording, and row."""
        return self.recording.key, self.recording.created, self.row

    @property
    def name(self) -> str:
        """For the names of files: ``scenes-12-glyph-limoe``."""
        return f"{self.recording.dataset}-{self.row}-{self.recording.model}"


def choose(
    recordings: Sequence[Recording], recording: Recording
) -> tuple[Looked, Looked | None] | None:
    """Draw the controls; the item, and the one beside it. None where nothing was recorded.

    Args:
        recordings: all there are.
        recording: the chosen one.
    """
    rows = _rows(recording.key, recording.created)
    if not rows:
        st.info("This recording holds no item.", icon=":material/info:")
        return None
    row = _near(rows, url.read_int("image", rows[0]))
    way = _controls(recording, rows, row)
    first = Looked(recording, row)
    if way == _WAYS[1]:
        return first, Looked(recording, _near(rows, url.read_int("other", _after(rows, row))))
    if way == _WAYS[2]:
        return first, _other_recording(recordings, first)
    return first, None


def go(row: int, *, token: str | None = None, other: bool = False) -> None:
    """Look at another image; for callbacks.

    Args:
        row: of the item.
        token: the token to choose there; the chosen place stays when None.
        other: change the image beside it instead.
    """
    url.write(**{"other" if other else "image": row})
    if token is not None:
        url.write(token=token)


@st.cache_data(max_entries=50, show_spinner=False)
def _rows(key: str, created: float) -> tuple[int, ...]:
    return api().recorded_rows(key)


def _near(rows: Sequence[int], row: int) -> int:
    """The recorded row that is nearest to one."""
    return min(rows, key=lambda each: abs(each - row))


def _after(rows: Sequence[int], row: int) -> int:
    """The recorded row behind one; before it at the end."""
    place = rows.index(row)
    return rows[place + 1] if place + 1 < len(rows) else rows[max(0, place - 1)]


def _controls(recording: Recording, rows: Sequence[int], row: int) -> str:
    """The line of controls, and below it what a search found; the way of comparing."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _number(recording, rows, row, "image", "Image")
        _steps(rows, row)
        find = st.text_input(
            "Find",
            key="find",
            bind="query-params",
            placeholder="a word of a caption",
            width=220,
            help="A part of a caption, label or any text column.",
        )
        way = st.segmented_control(
            "Beside it",
            _WAYS,
            default=_WAYS[0],
            required=True,
            key="beside",
            bind="query-params",
            help="Another image of the same recording, or the same image as another model, or the "
            "same model with other room, routes it.",
        )
        if way == _WAYS[1]:
            other = _near(rows, url.read_int("other", _after(rows, row)))
            _number(recording, rows, other, "other", "Beside")
    if find:
        _found(recording, rows, str(find), both=way == _WAYS[1])
    return str(way or _WAYS[0])


def _number(recording: Recording, rows: Sequence[int], row: int, param: str, label: str) -> None:
    key = f"{param}.number.{recording.key}.{row}"

    def changed() -> None:
        url.write(**{param: _near(rows, int(st.session_state[key]))})

    st.number_input(
        label,
        min_value=rows[0],
        max_value=rows[-1],
        value=row,
        key=key,
        on_change=changed,
        width=120,
        help=f"Number of the item in its dataset; {amounts.noun(len(rows), 'item')} recorded.",
    )


def _steps(rows: Sequence[int], row: int) -> None:
    place = rows.index(row)
    for label, icon, target in (
        ("Previous", ":material/chevron_left:", place - 1),
        ("Next", ":material/chevron_right:", place + 1),
    ):
        st.button(
            label,
            key=f"tokens.{label}",
            icon=icon,
            disabled=not 0 <= target < len(rows),
            on_click=go,
            args=(rows[target % len(rows)],),
        )
    st.button(
        "Any",
        key="tokens.any",
        icon=":material/casino:",
        help="An image drawn at random.",
        on_click=lambda: go(rows[time.time_ns() // 1000 % len(rows)]),
    )


def _found(recording: Recording, rows: Sequence[int], find: str, *, both: bool) -> None:
    """Images that match the search, in a strip; a click looks at one."""
    records = api().items(recording.dataset, search=find, limit=10 * _FOUND).to_pylist()
    held = set(rows)
    shown = [each for each in records if each["row"] in held and each["uri"]][:_FOUND]
    info = api().dataset(recording.dataset)
    target = "Image"
    if both:
        target = st.segmented_control(
            "A click changes",
            ["Image", "Beside"],
            default="Image",
            required=True,
            key="tokens.target",
            label_visibility="collapsed",
        )
    event = grid(
        [
            Cell(
                row=each["row"],
                url=picture_url(info.name, each["row"], info.created, 96),
                rank=str(each["row"]),
                hint=str(each["item"]),
            )
            for each in shown
        ],
        key="tokens.found",
        layout="strip",
        size="tiny",
        empty="No recorded image matches.",
    )
    if event is not None:
        go(event.row, other=target == "Beside")
        st.rerun()


def _other_recording(recordings: Sequence[Recording], first: Looked) -> Looked | None:
    """The same image in a recording of the same dataset by another model, or of other room."""
    mine = first.recording
    others = [
        each
        for each in recordings
        if each.dataset == mine.dataset
        and each.key != mine.key
        and first.row in set(_rows(each.key, each.created))
    ]
    if not others:
        st.caption("No other recording holds this image. The page Experts makes one.")
        return None
    others.sort(key=lambda each: each.model_key == mine.model_key)
    by_key = {each.key: each for each in others}
    names = {key: each.label for key, each in by_key.items()}
    return Looked(by_key[addressed("Recording beside it", names, param="against")], first.row)
