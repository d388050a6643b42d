"""The words of a text, each on the colour of the expert it went to, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.token_cells import NEAR, TokenCell, add_cells, outline

__all__ = ["WordRow", "word_strip"]

_LINE = 104
"""Letters in a line, spaces between words included."""

_LEAST = 64
"""Letters for which there is room at least, so that few words do not stretch over the page."""

_TALL, _EDGE, _BETWEEN = 36, 16, 0.35


@dataclass(frozen=True)
class WordRow:
    """The T words of a text as one layer routed them.

    Args:
        layer: number of the block.
        experts: T lists of the K chosen experts.
        gates: T lists of their weights.
        kept: T lists, which of them had room.
    """

    layer: int
    experts: Sequence[Sequence[int]]
    gates: Sequence[Sequence[float]]
    kept: Sequence[Sequence[bool]]


def word_strip(
    words: Sequence[str],
    rows: Sequence[WordRow],
    *,
    chosen: int | None = None,
) -> go.Figure:
    """The text once for each layer, from left to right; see ``token_cells.add_cells``.

    The number behind a word is its expert's. customdata of a cell is [place of the word, number of
    the block].

    Args:
        words: T words in order; any text.
        rows: one a layer, in the model's order.
        chosen: place of the word to frame in every layer.
    """
    places = _laid_out(words)
    lines = 1 + max((line for _, line, _ in places), default=0)
    step = lines + _BETWEEN
    cells = [
        _cell(words[place], place, row, (x, nth * step + line, wide))
        for nth, row in enumerate(rows)
        for place, (x, line, wide) in enumerate(places)
    ]
    widest = max((x + wide for x, _, wide in places), default=0)
    made = style.figure(
        height=round(2 * _EDGE + _TALL * step * len(rows)),
        margin={"l": 8, "r": 4, "t": 4, "b": 4},
        xaxis={"range": [-0.2, max(_LEAST, widest) + 0.2], "visible": False},
        yaxis={
            "range": [step * len(rows) - _BETWEEN + 0.1, -0.1],
            "tickmode": "array",
            "tickvals": [nth * step + lines / 2 for nth in range(len(rows))],
            "ticktext": [f"block {row.layer}" for row in rows],
            "tickfont": {"size": 14},
            "showgrid": False,
        },
        shapes=[shape for cell in cells if cell.data[0] == chosen for shape in outline(cell)],
        **NEAR,
    )
    return add_cells(made, cells, size=14)


def _laid_out(words: Sequence[str]) -> list[tuple[float, int, float]]:
    """(left edge, line, width) of each word, in letters."""
    found: list[tuple[float, int, float]] = []
    at, line = 0.0, 0
    for word in words:
        wide = min(max(len(word), 2), 24) + 3.5
        if at and at + wide > _LINE:
            at, line = 0.0, line + 1
        found.append((at, line, wide))
        at += wide
    return found


def _cell(word: str, place: int, row: WordRow, box: tuple[float, float, float]) -> TokenCell:
    x, y, wide = box
    expert = row.experts[place][0]
    return TokenCell(
        x=x,
        y=y,
        wide=wide,
        experts=row.experts[place],
        gates=row.gates[place],
        kept=row.kept[place],
        name=f"{word} · block {row.layer}",
        data=(place, row.layer),
        label=f"{style.short(word, 24)} {_subscript(expert)}",
    )


def _subscript(number: int) -> str:
    """The digits of a number, small and low."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
