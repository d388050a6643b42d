"""What the figures of an ablation hold: their points, what a click hands back, untrusted names."""

from __future__ import annotations

import math

from workbench.plots.ablation import Group, Single, beside_random, group_damage, load_and_effect


def group(place: int, name: str, before: float, after: float, q: float = 0.5) -> Group:
    return Group(place, name, 10, before, after, 1, 3, q)


def test_random_experts_are_rings_beside_the_disc() -> None:
    made = beside_random(["top1", "R@1"], [-0.2, 0.01], [[-0.1, 0.0], [0.02]], shares=True)
    rings, discs = made.data
    assert list(rings.x) == [-10, 0, 2] and list(rings.y) == [0, 0, 1]
    assert list(discs.x) == [-20, 1] and list(discs.y) == [0, 1]
    assert "-20.0 points" in discs.hovertext[0]
    shifts = beside_random(["shift"], [0.5], [[]], shares=False)
    assert list(shifts.data[1].x) == [0.5] and not shifts.data[0].x


def test_a_bar_goes_from_before_to_after() -> None:
    groups = [group(7, "<b>cup</b>", 0.8, 0.2, 0.01), group(2, "plum", 0.5, 0.6, math.nan)]
    bars, marks = group_damage(groups, chosen=2).data
    assert [round(x, 6) for x in bars.x] == [-0.6, 0.1] and list(bars.base) == [0.8, 0.5]
    assert [tuple(each) for each in bars.customdata] == [(7,), (2,)]
    assert list(bars.marker.line.width) == [0, 2.5]
    assert bars.marker.color[0] != bars.marker.color[1]
    assert list(marks.x) == [0.8, 0.5]
    assert "<b>cup" not in bars.hovertext[0].replace("<b>&lt;", "")
    assert "q = 0.01" in bars.hovertext[0] and "q =" not in bars.hovertext[1]
    assert not group_damage([]).data[0].x


def test_each_expert_is_a_point_at_its_load() -> None:
    singles = [
        Single(1, 0, 0.2, 0.0, -0.3, -0.9),
        Single(1, 1, 0.0, 0.6, 0.0, math.nan),
        Single(3, 0, 0.1, 0.1, 0.02, 0.5),
    ]
    first, second = load_and_effect(singles, "R@1", shares=True, chosen=(3, 0)).data
    assert (first.name, second.name) == ("block 1", "block 3")
    assert list(first.x) == [10, 30] and list(first.y) == [-30, 0]
    assert [tuple(each) for each in first.customdata] == [(1, 0), (1, 1)]
    assert first.marker.symbol[1].endswith("-open") and not first.marker.symbol[0].endswith("-open")
    assert list(second.marker.line.width) == [3]
    assert first.marker.symbol[0] != second.marker.symbol[0]
    assert "60.0% of text tokens" in first.hovertext[1]
