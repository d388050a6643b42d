from __future__ import annotations

import pytest

from workbench.plots import classes, contributions, reliability, risk


def test_reliability_leaves_out_empty_bins_and_keeps_their_edges():
    bins = [(0.0, 0.0, 0.0, 0), (0.7, 0.5, 1.0, 4)]
    diagonal, line = reliability.reliability_diagram({"raw": bins}).data
    assert list(diagonal.x) == list(diagonal.y) == [0, 1]
    assert list(line.x) == [0.7] and list(line.y) == [0.5]
    assert list(line.customdata[0]) == ["raw", 0.5, 1.0, 4]


def test_reliability_without_images():
    assert len(reliability.reliability_diagram({"raw": [(0.0, 0.0, 0.0, 0)]}).data[1].x) == 0


def test_prompts_stand_in_order_of_their_contribution():
    bars = contributions.prompt_bars(["a", "b", "c"], [0.2, 0.5, -0.1]).data[0]
    assert list(bars.x) == [-0.1, 0.2, 0.5]
    assert [place for place, _ in bars.customdata] == [2, 0, 1]


def test_margins_are_differences_and_their_sign_has_a_colour():
    bars = contributions.margin_bars(["a", "b"], [1.0, 0.0], [0.5, 2.0]).data[0]
    assert list(bars.x) == pytest.approx([-2.0, 0.5])
    assert bars.marker.color[0] != bars.marker.color[1]


def test_a_prompt_is_text_and_not_markup():
    made = contributions.prompt_bars(["<a href='x'>y</a>"], [1.0])
    assert "<a" not in made.layout.yaxis.ticktext[0]
    assert "<a" not in made.data[0].hovertext[0]


def test_groups_have_a_trace_a_run_and_their_interval():
    rows = [("r1", "noto", 0.6, 0.5, 0.7, 100), ("r2", "noto", 0.1, 0.0, 0.3, 10)]
    first, second = classes.group_bars(rows).data
    assert list(first.customdata[0]) == ["r1", "noto", 100]
    assert first.error_y.array[0] == pytest.approx(0.1)
    assert second.error_y.arrayminus[0] == pytest.approx(0.1)


def test_classes_without_images_are_left_out_and_places_kept():
    points = classes.rank_accuracy(["a", "b", "c"], [0.5, float("nan"), 0.1]).data[0]
    assert [each[0] for each in points.customdata] == [2, 0]
    scatter = classes.class_scatter(
        ["a", "b"], [0.5, float("nan")], [0.2, 0.3], titles=("x", "y")
    ).data[1]
    assert [each[0] for each in scatter.customdata] == [0]


def test_risk_has_a_line_a_run():
    made = risk.risk_coverage({"a": ([0.5, 1.0], [0.0, 0.2]), "b": ([1.0], [0.3])})
    assert [list(line.y) for line in made.data] == [[0.0, 0.2], [0.3]]
    assert list(made.data[0].customdata[1]) == ["a", 1.0]
