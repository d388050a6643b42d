"""Captions against images, drawn concept by concept."""

from __future__ import annotations

from workbench.plots.sides import captions_and_images


def test_each_concept_on_either_side_is_a_point_with_its_share() -> None:
    made = captions_and_images(["a", "<b>", "c", "d"], [10, 0, 0, 4], [10, 3, 0, 2], [5, 0, 0, 2])
    diagonal, points = made.data
    assert list(diagonal.x) == list(diagonal.y)
    assert [each[0] for each in points.customdata] == [0, 1, 3]
    assert list(points.marker.color) == [5 / 15, 0, 2 / 4]
    assert points.x[0] == 10 and points.x[1] < 1  # none stands at a place of its own
    assert list(points.y) == [10, 3, 2]
    assert "&lt;b&gt;" in points.hovertext[1] and "33.3%" in points.hovertext[0]


def test_nothing_on_either_side_gives_an_empty_picture() -> None:
    assert not captions_and_images(["a"], [0], [0], [0]).data[1].x
