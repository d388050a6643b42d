from __future__ import annotations

import pytest

from workbench.plots import bars, style

LONG = "a very long value that would not fit beside its bar at all"


def test_values_stand_in_the_given_order_with_their_numbers() -> None:
    made = bars.counts([("noto", 3164), ("twemoji", 791), (LONG + " 1", 2), (LONG + " 2", 1)])
    (trace,) = made.data
    assert list(trace.x) == [3164, 791, 2, 1]
    assert list(trace.y) == [0, 1, 2, 3]
    assert list(trace.text) == ["3,164", "791", "2", "1"]
    assert [row[0] for row in trace.customdata] == ["noto", "twemoji", LONG + " 1", LONG + " 2"]
    ticks = made.layout.yaxis.ticktext
    assert ticks[2] == ticks[3] == "a very long value that woul…"  # two bars all the same
    assert made.layout.yaxis.autorange == "reversed"
    assert "79.9% of those shown" in trace.hovertext[0]


def test_values_cannot_carry_markup() -> None:
    made = bars.counts([('<a href="https://example.org">click</a>', 1), ("", 2), ("a\nb", 1)])
    shown = [*made.layout.yaxis.ticktext, *made.data[0].hovertext]
    assert not [text for text in shown if "<a" in text or "\n" in text]
    assert made.layout.yaxis.ticktext[1:] == ("(empty)", "a b")
    assert made.data[0].customdata[0][0].startswith("<a")


def test_nothing_to_count_is_an_empty_figure() -> None:
    assert len(bars.counts([]).data[0].x) == 0
    assert len(bars.spread([], []).data[0].x) == 0


def test_bins_of_a_column_know_their_bounds() -> None:
    made = bars.spread([0, 10, 30], [4, 1200], colour=style.TEXT_COLOUR, title="width")
    (trace,) = made.data
    assert list(trace.x) == pytest.approx([5, 20])
    assert list(trace.width) == pytest.approx([10, 20])
    assert [list(pair) for pair in trace.customdata] == [[0, 10], [10, 30]]
    assert trace.hovertext[1] == "10 to 30<br><b>1,200</b> items"
    assert made.layout.xaxis.title.text == "width"
