from __future__ import annotations

from dataclasses import dataclass

import pytest

from workbench.plots import histogram, style


@dataclass(frozen=True)
class Spread:
    edges: tuple[float, ...] = (0.0, 0.1, 0.2, 0.4)
    counts: tuple[int, ...] = (5, 90, 5)
    n: int = 100
    mean: float = 0.15
    std: float = 0.05


def test_every_bin_is_a_point_that_knows_its_edges() -> None:
    made = histogram.scores(Spread(), colour=style.TEXT_COLOUR, noun="captions")
    (bars,) = made.data
    assert list(bars.y) == [5, 90, 5]
    assert list(bars.x) == pytest.approx([0.05, 0.15, 0.3])
    assert list(bars.width) == pytest.approx([0.1, 0.1, 0.2])
    assert [list(pair) for pair in bars.customdata] == [[0.0, 0.1], [0.1, 0.2], [0.2, 0.4]]
    assert bars.marker.color == style.TEXT_COLOUR
    assert "captions" in bars.hovertemplate
    assert list(bars.text) == [
        "2.0 standard deviations below the mean",
        "0.0 standard deviations above the mean",
        "3.0 standard deviations above the mean",
    ]
    assert not made.layout.shapes


def test_a_band_marks_what_is_shown() -> None:
    made = histogram.scores(Spread(), shown=[0.38, 0.31, 0.25])
    band = made.layout.shapes[0]
    assert (band.x0, band.x1) == (0.25, 0.38)
    assert sorted(line.x0 for line in made.layout.shapes[1:]) == [0.25, 0.38]
    assert [note.text for note in made.layout.annotations] == ["3 shown"]


def test_one_shown_result_is_a_line_and_one_score_has_no_deviation() -> None:
    alone = Spread(edges=(0.2, 1.2), counts=(1,), n=1, mean=0.2, std=0.0)
    made = histogram.scores(alone, shown=[0.2])
    assert len(made.layout.shapes) == 2
    assert list(made.data[0].text) == ["at the mean"]


def test_models_lie_over_one_another_as_densities() -> None:
    narrow = Spread(edges=(0.0, 0.01, 0.02), counts=(10, 30), n=40)
    made = histogram.overlay({"one": narrow, "<b>two</b>": Spread()})
    assert [trace.name for trace in made.data] == ["one", "&lt;b&gt;two&lt;/b&gt;"]
    assert list(made.data[0].y) == pytest.approx([0.25, 0.75])
    # The area under each curve is one hundredth of cosine times all of its scores.
    for trace, spread in zip(made.data, (narrow, Spread()), strict=True):
        widths = [b - a for a, b in zip(spread.edges, spread.edges[1:], strict=False)]
        area = sum(y * width for y, width in zip(trace.y, widths, strict=True))
        assert area == pytest.approx(0.01)
    assert list(made.data[1].customdata[0]) == ["<b>two</b>", 0.0, 0.1]
    assert made.layout.showlegend
