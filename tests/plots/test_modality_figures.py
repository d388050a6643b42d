"""Figures of the modality gap: what is drawn, what a click hands back, untrusted names."""

from __future__ import annotations

import numpy as np

from workbench.measures.interval import Measure
from workbench.plots.alignment import layer_map
from workbench.plots.gap import closing, layer_cuts, positions, selectivities, unit_curve
from workbench.plots.style import IMAGE_COLOUR, TEXT_COLOUR

EVIL = "<b>evil</b>"


def test_positions_count_every_input_and_name_their_bin() -> None:
    made = positions([-2.0, -1.0, -1.0], [1.0, 2.0, 2.0], bins=4)
    images, texts = made.data
    assert sum(images.y) == sum(texts.y) == 3
    assert [each[0] for each in images.customdata] == [0] * 4
    low, high = texts.customdata[-1][1:]
    assert low < high == 2.0 and texts.customdata[0][0] == 1


def test_positions_of_equal_inputs_are_drawn() -> None:
    assert sum(positions([0.0] * 5, [0.0] * 5).data[0].y) == 5


def test_closing_rings_the_chosen_point() -> None:
    measures = [Measure(0.5, 0.4, 0.6, 9), Measure(0.7, 0.6, 0.75, 9)]
    made = closing([0.0, 1.0], {"classes": measures, "image_to_text": measures}, ("classes", 1.0))
    first, second = made.data
    assert list(first.marker.line.width) == [0, 3] and list(second.marker.line.width) == [0, 0]
    assert [list(each) for each in second.customdata] == [
        ["image_to_text", 0],
        ["image_to_text", 1],
    ]
    assert np.allclose(first.error_y.arrayminus, 0.1) and np.allclose(
        first.error_y.array, [0.1, 0.05]
    )


def test_layers_are_named_and_numbered() -> None:
    made = layer_cuts(["input", EVIL], [0, -1], {EVIL: ([0.5, 1.0], [0.55, 0.55])}, chosen=-1)
    null, line = made.data
    assert list(null.y) == [0.55, 0.55] and list(line.y) == [0.5, 1.0]
    assert [each[0] for each in line.customdata] == [0, -1]
    assert "<b>" not in line.x[1] and "<b>evil" not in line.name
    assert list(line.marker.line.width) == [0, 3]


def test_selectivities_and_their_chance() -> None:
    made = selectivities([1] * 40, [0.5] * 40)
    assert sum(made.data[0].y) == 40 and sum(made.data[1].y) == 20
    assert list(made.data[0].customdata[0]) == [-1.0, -0.95]


def test_units_are_coloured_where_they_are_beyond_chance() -> None:
    made = unit_curve([7, 3, 5], [-0.9, 0.0, 0.8], [True, False, True], notes=[EVIL] * 3, chosen=5)
    (points,) = made.data
    assert list(points.marker.color) == [IMAGE_COLOUR, "#808792", TEXT_COLOUR]
    assert [each[0] for each in points.customdata] == [7, 3, 5]
    assert list(points.marker.size) == [6, 6, 13] and "<b>" not in points.hovertext[0]


def test_of_many_units_the_chosen_one_is_drawn() -> None:
    count = 20_001
    made = unit_curve(range(count), [0.0] * count, [False] * count, chosen=12_346)
    drawn = [each[0] for each in made.data[0].customdata]
    assert len(drawn) <= 6001 and 12_346 in drawn and drawn == sorted(drawn)


def test_a_map_has_a_door_in_every_cell() -> None:
    values = [[0.1, 0.2], [0.3, 0.4], [0.5, 0.9]]
    made = layer_map(
        values, [], (["input", "block 0", EVIL], ["input", "joint space"]),
        chance=0.0, unit="CKA", chosen=(2, 1),
    )  # fmt: skip
    cells, doors = made.data
    assert [list(row) for row in cells.z] == values
    assert [list(each) for each in doors.customdata][-1] == [2, 1]
    assert "0.900" in doors.hovertext[-1] and "<b>evil" not in doors.hovertext[-1]
    assert len(made.layout.shapes) == 1
