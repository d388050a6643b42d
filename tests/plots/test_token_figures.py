"""Patches, words and the way of one token, drawn."""

from __future__ import annotations

import pytest

from workbench.plots import style
from workbench.plots.patch_grid import patch_grid, where
from workbench.plots.path import Step, token_path
from workbench.plots.token_cells import TokenCell, said
from workbench.plots.word_strip import WordRow, word_strip


def _named(made) -> list[str]:
    return [trace.name for trace in made.data if trace.showlegend]


def test_patches_stand_row_by_row_in_the_colour_of_their_expert() -> None:
    experts = [[0], [2], [2], [2], [5], [0]]
    made = patch_grid("data:,", experts, [[0.5]] * 6, [[True]] * 6, columns=3, chosen=4)
    assert _named(made) == ["expert 2 (3)", "expert 0 (2)", "expert 5 (1)"]
    boxes = next(trace for trace in made.data if trace.name == "expert 5 (1)")
    assert boxes.fillcolor == style.tinted(style.expert_colour(5), 0.6)
    assert min(x for x in boxes.x if x is not None) == pytest.approx(1.03)  # row 2, column 2
    assert max(y for y in boxes.y if y is not None) == pytest.approx(1.97)
    points = made.data[-1]
    assert [each[0] for each in points.customdata] == [0, 1, 2, 3, 4, 5]
    assert list(points.x) == [0.5, 1.5, 2.5] * 2 and list(points.y) == [0.5] * 3 + [1.5] * 3
    assert points.hovertext[4].startswith("<b>row 2, column 2</b><br>expert 5, gate 0.50")
    assert [(shape.x0, shape.y0) for shape in made.layout.shapes] == [(1, 1), (1, 1)]
    (picture,) = made.layout.images
    assert (picture.sizex, picture.sizey) == (3, 2)
    assert list(made.layout.yaxis.range) == [2, 0]


def test_dropped_tokens_are_hatched_and_counted_in_the_legend() -> None:
    made = patch_grid("", [[1]] * 4, [[0.2]] * 4, [[True], [False], [False], [True]], columns=2)
    assert _named(made) == ["expert 1 (4)", "dropped (2)"]
    strokes = next(trace for trace in made.data if trace.name == "dropped (2)")
    assert sum(x is None for x in strokes.x) == 2 * 3
    assert not made.layout.images


def test_one_choice_of_two_without_room_is_no_dropped_token() -> None:
    kept = [[True, False], [True, True]]
    made = patch_grid("", [[1, 0], [0, 1]], [[0.6, 0.3]] * 2, kept, columns=2)
    assert _named(made)[-1] == "a choice dropped (1)"
    assert "expert 0, gate 0.30, <b>dropped</b>" in made.data[-1].hovertext[0]


def test_many_patches_carry_no_numbers() -> None:
    made = patch_grid("", [[1]] * 576, [[0.2]] * 576, [[True]] * 576, columns=24)
    assert not [trace for trace in made.data if trace.mode == "text"]


def test_a_place_is_said_from_one() -> None:
    assert where(0, 8) == "row 1, column 1" and where(63, 8) == "row 8, column 8"


def test_words_run_on_and_break_into_lines() -> None:
    words = ["a", "<b>", "volcano"] + ["on"] * 40
    rows = [
        WordRow(layer, [[n % 4] for n in range(43)], [[0.5]] * 43, [[True]] * 43)
        for layer in (1, 3)
    ]
    made = word_strip(words, rows, chosen=1)
    points = made.data[-1]
    assert [tuple(each) for each in points.customdata[:2]] == [(0, 1), (1, 1)]
    assert len(points.x) == 86 and len(made.layout.shapes) == 4
    here = [(x, y) for x, y in zip(points.x, points.y, strict=True)][:43]
    assert here == sorted(here, key=lambda at: (at[1], at[0]))  # as one reads
    assert len({y for _, y in here}) > 1
    labels = [text for trace in made.data if trace.mode == "text" for text in trace.text]
    assert "&lt;b&gt; ₁" in labels
    assert list(made.layout.yaxis.ticktext) == ["block 1", "block 3"]


def test_a_layer_that_did_not_see_a_token_gives_it_no_colour() -> None:
    rows = [WordRow(1, [[-1], [2]], [[float("nan")], [0.5]], [[False], [True]])]
    made = word_strip(["seen", "not"], rows)
    assert _named(made) == ["expert 2 (1)"]
    assert made.data[-1].hovertext[0] == "<b>seen · block 1</b><br>passed no expert here"


def test_no_words_give_an_empty_strip() -> None:
    assert not word_strip([], [WordRow(1, [], [], [])]).data[-1].x


def test_a_token_is_said_with_its_words_as_they_are() -> None:
    cell = TokenCell(0, 0, [3], [0.5], [False], "<script>", (0,))
    assert said(cell) == "<b>&lt;script&gt;</b><br>expert 3, gate 0.50, <b>dropped</b>: no room"


def test_labels_read_on_the_colour_below_them() -> None:
    rows = [WordRow(1, [[2], [4]], [[0.5]] * 2, [[True]] * 2)]
    fonts = [t.textfont.color for t in word_strip(["a", "b"], rows).data if t.mode == "text"]
    assert fonts == ["#111111", "#ffffff"]  # on sand, on dark green


def test_the_way_of_a_token_leads_down_through_its_first_choices() -> None:
    steps = [
        Step(1, [0.1, 0.7, 0.2], [1, 2], [0.7, 0.2], [True, True], [0.3, 0.3, 0.4]),
        Step(3, [], [0, 2], [0.6, 0.4], [False, True]),
    ]
    made = token_path(steps, 3)
    first, usual, second, way = made.data
    assert [-y / 0.78 * 0.7 for y in first.y] == pytest.approx([0.1, 0.7, 0.2])
    assert list(first.base) == [1, 1, 1] and list(second.base) == [2, 2, 2]
    assert list(first.text) == ["", "0.70", "0.20"]
    assert [-y / 0.78 * 0.7 for y in second.y] == pytest.approx(
        [0.6, 0, 0.4]
    )  # gates, for want of p
    assert "gate 0.600" in second.hovertext[0] and "no room" in second.hovertext[0]
    assert list(second.marker.pattern.shape) == ["x", "", ""]
    assert usual.y[0] == pytest.approx(1 - 0.78 * 0.3 / 0.7)
    assert list(way.x) == [1, 0] and [tuple(each) for each in way.customdata] == [(1, 1), (3, 0)]
