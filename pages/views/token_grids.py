"""One image and its caption by expert: the picture, a grid of patches a layer, and the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import item, url
from pages.shared.chart import chart, figure_export
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.server import picture_url
from pages.views.token_choice import At, Looked
from pages.views.token_place import Token, tokens
from workbench.api import InputTokens
from workbench.plots.patch_grid import patch_grid, where
from workbench.plots.word_strip import WordRow, word_strip

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Shown", "draw"]

Clicked = Callable[[Mapping[str, Any] | None], None]


@dataclass(frozen=True)
class Shown:
    """An item and how it is shown.

    Args:
        looked: the item.
        token: the chosen one, framed in every layer.
        layers: numbers of the blocks shown.
        ink: opacity of the colours, in [0, 1].
        key: unique on the page.
    """

    looked: Looked
    token: Token | None
    layers: Sequence[int]
    ink: float
    key: str

    def position(self, side: str) -> int | None:
        """Of the chosen token, if it is of this side."""
        return self.token.position if self.token is not None and self.token.side == side else None


def draw(shown: Shown) -> None:
    """Draw an item: its picture, its patches in each layer, and its words."""
    found = tokens(shown.looked.at)
    if found.image is not None:
        columns = st.columns([0.8, *([1] * len(shown.layers))], gap="medium")
        with columns[0]:
            _picture(shown.looked, found, shown.key)
        for column, layer in zip(columns[1:], shown.layers, strict=True):
            with column:
                _patches(shown, found, layer)
    else:
        st.caption("No image was recorded of this item.")
    if found.text is not None:
        _words(shown, found)
    else:
        st.caption("No caption was recorded of this item.")


def _picture(looked: Looked, found: InputTokens, key: str) -> None:
    """The picture as the model saw it; a click opens the item."""
    dataset, row = looked.recording.dataset, looked.row
    info, detail = api().dataset(dataset), api().item(dataset, row)
    st.markdown(f"**Image {row}**")
    cell = Cell(
        row=row,
        url=picture_url(dataset, row, info.created, 320),
        text=detail.captions[0] if detail.captions else "",
        hint=f"{detail.item}: open the item",
        part=found.seen,
    )
    if grid([cell], key=f"{key}.picture", size="large") is not None:
        item.open_item(dataset, row)


def _patches(shown: Shown, found: InputTokens, layer: int) -> None:
    if found.image is None:
        return
    looked = shown.looked
    figure = _grid(looked.at, layer, shown.position("image"), shown.ink)
    name = f"{shown.key}.patches.{looked.row}.{layer}"
    st.markdown(
        f"**Block {layer}**",
        help="Each square is a patch of the image, in the colour and with the number of its first "
        "expert. Hatched: no expert had room, the patch passed this block unchanged. Expert "
        "numbers of different blocks have nothing to do with each other. A click on the legend "
        "hides an expert.",
    )
    chart(figure, key=name, on_click=_choose("image", found.image.positions.tolist(), name))
    figure_export(
        figure,
        chart=name,
        name=f"{looked.name}-block-{layer}",
        rows=_rows(found, "image", layer),
    )


def _choose(side: str, positions: Sequence[int], name: str) -> Clicked:
    """What a click on a token does.

    A second click on it clears the chart's own choice, not ours: it stays chosen in all figures.
    """
    kept = f"{name}.last"

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        position = positions[int(data[0])] if data else st.session_state.get(kept)
        if position is not None:
            st.session_state[kept] = position
            url.write(token=Token(side, int(position)).address)

    return clicked


@st.cache_resource(max_entries=60, show_spinner=False)
def _grid(at: At, layer: int, position: int | None, ink: float) -> Figure:
    found = tokens(at)
    side, nth = found.image, found.layers.index(layer)
    if side is None:
        return patch_grid("", [], [], [], columns=1)
    return patch_grid(
        api().seen_picture(at[0], at[2], grey=True),
        side.experts[nth].tolist(),
        side.gates[nth].tolist(),
        side.kept[nth].tolist(),
        columns=found.grid,
        chosen=position,
        opacity=ink,
    )


def _words(shown: Shown, found: InputTokens) -> None:
    if found.text is None:
        return
    looked, layers = shown.looked, tuple(shown.layers)
    figure = _strip(looked.at, layers, shown.position("text"))
    name = f"{shown.key}.words.{looked.row}"
    st.markdown(
        "**Its caption**",
        help="Word by word as the model reads it; · behind a piece: its word goes on. The small "
        "number is the expert, and the colours are those of the patches: a patch and a word of "
        "one colour in one block passed the same expert.",
    )
    chart(figure, key=name, on_click=_choose("text", found.text.positions.tolist(), name))
    figure_export(
        figure,
        chart=name,
        name=f"{looked.name}-words",
        rows=[row for layer in layers for row in _rows(found, "text", layer)],
    )


@st.cache_resource(max_entries=60, show_spinner=False)
def _strip(at: At, layers: tuple[int, ...], position: int | None) -> Figure:
    found = tokens(at)
    side = found.text
    if side is None:
        return word_strip([], [])
    places = [found.layers.index(layer) for layer in layers]
    rows = [
        WordRow(
            layer, side.experts[nth].tolist(), side.gates[nth].tolist(), side.kept[nth].tolist()
        )
        for layer, nth in zip(layers, places, strict=True)
    ]
    chosen = None
    if position is not None and position in side.positions.tolist():
        chosen = side.positions.tolist().index(position)
    return word_strip(side.words, rows, chosen=chosen)


def _rows(found: InputTokens, name: str, layer: int) -> list[dict[str, Any]]:
    """The numbers behind one layer's figure, a token a row."""
    side = found.image if name == "image" else found.text
    if side is None:
        return []
    nth = found.layers.index(layer)
    columns = zip(
        side.positions.tolist(),
        side.experts[nth].tolist(),
        side.gates[nth].tolist(),
        side.kept[nth].tolist(),
        strict=True,
    )
    return [
        {
            "block": layer,
            "token": side.words[place] if name == "text" else where(position, found.grid),
            "position": position,
            "experts": experts,
            "gates": gates,
            "kept": kept,
        }
        for place, (position, experts, gates, kept) in enumerate(columns)
    ]
