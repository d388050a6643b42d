from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from workbench.plots import ranks, style

WAYS = ("text-to-image", "image-to-text")


@dataclass(frozen=True)
class Report:
    model: str
    measures: Mapping[Any, Mapping[str, float]] = field(
        default_factory=lambda: {
            way: {"recall@1": 0.5 - 0.1 * i, "recall@5": 0.7, "n": 200}
            for i, way in enumerate(WAYS)
        }
    )
    intervals: Mapping[Any, Mapping[str, tuple[float, float]]] = field(
        default_factory=lambda: {
            way: {"recall@1": (0.35, 0.55), "recall@5": (0.65, 0.74)} for way in WAYS
        }
    )
    chance: Mapping[Any, Mapping[str, float]] = field(
        default_factory=lambda: {way: {"recall@1": 0.01, "recall@5": 0.05} for way in WAYS}
    )


def test_ranks_are_shares_of_each_model_s_queries() -> None:
    pairs = [("1", 30), ("2-5", 10), ("6-10", 0)]
    made = ranks.rank_bars({"a": pairs, "b": [("1", 1), ("2-5", 1), ("6-10", 2)]})
    first, second = made.data
    assert list(first.x) == ["1", "2-5", "6-10"]
    assert list(first.y) == pytest.approx([0.75, 0.25, 0])
    assert list(second.y) == pytest.approx([0.25, 0.25, 0.5])
    assert list(first.customdata[1]) == ["a", "2-5", 10]
    assert first.marker.color != second.marker.color
    assert made.layout.showlegend
    assert not ranks.rank_bars({"a": pairs}).layout.showlegend


def test_rank_bins_double_and_hold_every_query() -> None:
    values = np.array([1, 1, 1.5, 2, 3, 4, 5, 8, 9, 99, 100])
    (trace,) = ranks.rank_histogram({"a": values}, gallery=100).data
    assert list(trace.x) == ["1", "2", "3-4", "5-8", "9-16", "17-32", "33-64", "65-100"]
    assert [row[2] for row in trace.customdata] == [2, 2, 2, 2, 1, 0, 0, 2]
    assert list(ranks.rank_histogram({"a": np.ones(3)}, gallery=1).data[0].y) == [1]


def test_one_model_takes_the_colours_of_what_is_found() -> None:
    made = ranks.recall_bars([Report("glyph")], ks=(1, 5))
    up, chance, down, _ = made.data
    assert (up.marker.color, down.marker.color) == (style.IMAGE_COLOUR, style.TEXT_COLOUR)
    assert list(up.y) == [0.5, 0.7]
    assert list(down.y) == [0.4, 0.7]
    assert list(up.error_y.array) == pytest.approx([0.05, 0.04])
    assert list(up.error_y.arrayminus) == pytest.approx([0.15, 0.05])
    assert list(up.customdata[1]) == ["glyph", "text-to-image", 5]
    assert list(chance.y) == [0.01, 0.05]
    assert (up.xaxis, down.xaxis) == ("x", "x2")
    assert "95% interval 35.0% to 55.0%" in up.hovertext[0]
    assert not made.layout.showlegend


def test_several_models_keep_one_colour_in_both_directions() -> None:
    made = ranks.recall_bars([Report("a"), Report("<i>b</i>")], ks=(1, 5))
    bars = [trace for trace in made.data if trace.type == "bar"]
    assert [bar.marker.color for bar in bars] == list(style.MODEL_COLOURS[:2]) * 2
    assert [bar.showlegend for bar in bars] == [True, True, False, False]
    assert bars[1].name == "&lt;i&gt;b&lt;/i&gt;"
    assert ranks.recall_bars([]).layout.annotations[0].text == "<b>Text to image</b>"
