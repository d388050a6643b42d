"""Figures of experts: which bar, disc, band and frame holds which number."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.plots import expert_load, expert_matrix, expert_shares, film, flow, style

LAYERS = [1, 3]
SHARES = np.array(
    [
        [[0.5, 0.5, 0.0, 0.0], [0.0, 0.1, 0.9, 0.0]],
        [[0.2, 0.3, 0.4, 0.1], [0.7, 0.1, 0.1, 0.1]],
    ]
).swapaxes(1, 2)
"""(L, E, 2)."""


def test_experts_stand_from_image_to_text_and_dead_ones_last():
    order = expert_shares.by_modality(SHARES)
    assert order.tolist() == [[0, 1, 2, 3], [2, 1, 3, 0]]
    dead = np.array([[True, False, False, True], [False] * 4])
    assert expert_shares.by_modality(SHARES, dead)[0].tolist() == [1, 2, 0, 3]


def test_bars_hold_the_share_of_each_modality_and_lead_to_their_expert():
    made = expert_shares.modality_bars(LAYERS, SHARES, titles=["<b>one</b>", "two"])
    image, text, image3, text3 = made.data
    assert list(image.y) == [0.5, 0.5, 0, 0] and list(text.y) == [0, 0.1, 0.9, 0]
    assert list(image3.y) == [0.4, 0.3, 0.1, 0.2] and list(text3.y) == [0.1, 0.1, 0.1, 0.7]
    assert [list(each) for each in text3.customdata] == [[3, 2, 1], [3, 1, 1], [3, 3, 1], [3, 0, 1]]
    assert image.marker.color == style.IMAGE_COLOUR and text.marker.color == style.TEXT_COLOUR
    assert made.layout.annotations[0].text == "&lt;b&gt;one&lt;/b&gt;"
    assert {shape.y0 for shape in made.layout.shapes} == {0.25}
    assert [trace.showlegend for trace in made.data] == [True, True, False, False]


def test_several_figures_share_one_axis():
    assert expert_shares.tops(SHARES, SHARES * 0.5) == 1.0
    assert expert_shares.tops(np.array([0.25]), np.array([0.5])) == pytest.approx(0.56)
    assert expert_shares.tops(np.zeros(3)) == 1.0


def test_a_dead_expert_is_marked():
    dead = np.array([[False, False, False, True], [False] * 4])
    made = expert_shares.modality_bars(LAYERS, SHARES, dead=dead)
    assert made.layout.xaxis.ticktext == ("0", "1", "2", "3 ✕")


def test_load_stacks_kept_and_dropped_tokens_to_all_of_a_layer():
    tokens = np.array([[[6.0, 2.0], [1.0, 1.0]]])
    kept = np.array([[[3.0, 2.0], [1.0, 1.0]]])
    made = expert_shares.load_bars([5], tokens, kept, room=0.625)
    heights = {trace.name: list(trace.y) for trace in made.data}
    assert heights["image tokens"] == [0.3, 0.1] and heights["text tokens"] == [0.2, 0.1]
    assert heights["image tokens without room"] == [pytest.approx(0.3), 0]
    assert sum(map(sum, heights.values())) == pytest.approx(1)
    assert sorted(shape.y0 for shape in made.layout.shapes) == [0.5, 0.625]
    whole = expert_shares.load_bars([5], tokens, tokens)
    assert [trace.name for trace in whole.data] == ["image tokens", "text tokens"]


def test_the_matrix_has_a_door_for_every_expert():
    index = np.array([[-1.0, 0.0], [np.nan, 1.0]])
    load = np.array([[0.75, 0.25], [0.0, 1.0]])
    order = np.array([[0, 1], [1, 0]])
    dead = load == 0
    made = expert_matrix.expert_matrix(LAYERS, index, load, order, dead=dead, chosen=(3, 1))
    (points,) = made.data
    assert [list(each) for each in points.customdata] == [[1, 0], [1, 1], [3, 1], [3, 0]]
    assert list(points.marker.symbol) == ["circle", "circle", "circle", "x-thin"]
    assert list(points.marker.line.width) == [0, 0, 3, 0]
    assert list(points.marker.color) == [-1, 0, 1, 0]
    area = np.array(points.marker.size[:3]) ** 2
    assert area / area[2] == pytest.approx([0.75, 0.25, 1])
    assert "dead" in points.hovertext[3]


@pytest.mark.parametrize(
    ("index", "colour"), [(-1, style.IMAGE_COLOUR), (1, style.TEXT_COLOUR), (0, "#B9BDC4")]
)
def test_ends_of_the_scale_are_the_colours_of_image_and_text(index: float, colour: str):
    assert expert_matrix.modality_colour(index) == colour
    assert expert_matrix.modality_colour(float("nan")) == "#8A8F98"


def test_co_activation_is_a_share_of_the_row():
    made = expert_matrix.together(np.array([[9.0, 2.0], [2.0, 9.0]]), np.array([8.0, 4.0]))
    z = made.data[0].z
    assert z[0][0] is None and z[0][1] == 0.25 and z[1][0] == 0.5


def test_streams_keep_the_largest_and_add_up_the_others():
    counts = np.zeros((1, 2, 3, 3))
    counts[0, 0] = [[50, 20, 10], [10, 5, 0], [5, 0, 0]]
    counts[0, 1, 2, 2] = 7
    found = flow.streams(LAYERS, counts, most=2)
    said = [(s.modality, s.source, s.target, s.tokens) for s in found]
    assert said == [
        (0, 0, 0, 50),
        (0, 0, 1, 20),
        (0, 0, -1, 10),
        (0, 1, -1, 15),
        (0, 2, -1, 5),
        (1, 2, 2, 7),
    ]
    assert sum(s.share for s in found if s.modality == 0) == pytest.approx(1)
    assert flow.rest(found) == pytest.approx(0.15)
    assert flow.streams([1], np.zeros((0, 2, 3, 3))) == [] and flow.rest([]) == 0


def test_bands_join_the_nodes_of_their_experts():
    counts = np.zeros((1, 2, 2, 2))
    counts[0, 0, 0, 1], counts[0, 1, 1, 1] = 3, 4
    found = flow.streams(LAYERS, counts)
    index, order = np.array([[-1.0, 1.0], [0.0, 0.5]]), np.array([[0, 1], [0, 1]])
    (made,) = flow.sankey(LAYERS, found, index, order).data
    nodes = [tuple(each) for each in made.node.customdata]
    joined = [
        (nodes[s], nodes[t], v)
        for s, t, v in zip(made.link.source, made.link.target, made.link.value, strict=True)
    ]
    assert joined == [((1, 0), (3, 1), 1.0), ((1, 1), (3, 1), 1.0)]
    assert made.node.color[nodes.index((1, 0))] == style.IMAGE_COLOUR
    assert all(0 < x < 1 for x in made.node.x) and all(0 < y < 1 for y in made.node.y)


def test_figures_of_two_models_stand_side_by_side_with_their_nulls():
    first = expert_load.Spread([0.7, 0.8], [0.6, 0.7], [0.75, 0.9], [0.01, 0.02])
    second = expert_load.Spread([0.1], [0.0], [0.2])
    made = expert_load.specialisation(
        {"a": LAYERS, "b": [1]}, {"a": first, "b": second}, title="JSD"
    )
    null, a, b = made.data
    assert list(null.y) == [0.01, 0.02]
    assert list(a.y) == [0.7, 0.8] and a.error_y.array[1] == pytest.approx(0.1)
    assert list(a.x) == list(null.x) and a.x[0] < b.x[0]
    assert [list(each) for each in a.customdata] == [[1], [3]]
    assert made.layout.xaxis.ticktext == ("block 1", "block 3")


def test_bars_of_layers_leave_out_what_is_not_known():
    values = np.array([[1.0, np.nan], [2.0, 4.0]])
    lines = (expert_load.Line(5.0, "most"),)
    made = expert_load.layer_bars(LAYERS, values, title="entropy", marks=values / 2, lines=lines)
    image, text, soft, _ = made.data
    assert list(image.y) == [1, 2] and list(text.y) == [None, 4] and list(soft.y) == [0.5, 1]
    assert made.layout.yaxis.range[1] == pytest.approx(5.5)
    assert "n/a" in text.hovertext[0]


def test_confidence_adds_up_to_one_for_each_modality():
    counts = np.array([[[1, 3], [0, 0]]])
    image, text = expert_load.confidence([1], counts).data
    assert list(image.y) == [0.25, 0.75, 0] and list(text.y) == [0, 0, 0]


def test_places_are_shares_of_what_lies_there():
    counts, base = np.array([[1, 0], [0, 2]]), np.array([[4, 0], [3, 2]])
    (cells,) = expert_load.places(counts, base).data
    assert [list(row) for row in cells.z] == [[0.25, 0], [0, 1]]
    assert [list(row) for row in cells.customdata] == [[0, 1], [2, 3]]


def test_a_film_has_a_frame_a_step_and_keeps_experts_in_place():
    steps = [0, 50, 100]
    moving = np.stack([SHARES * 0 + 0.25, SHARES, np.where(SHARES > 1, 0, np.nan)])
    order = expert_shares.by_modality(SHARES)
    made = film.film(steps, LAYERS, moving, order=order, at=1)
    assert [frame.name for frame in made.frames] == ["0", "50", "100"]
    assert [list(bar.y) for bar in made.frames[1].data] == [list(bar.y) for bar in made.data]
    assert list(made.frames[2].data[0].y) == [0, 0, 0, 0]
    assert made.frames[0].traces == (0, 1, 2, 3)
    assert made.layout.sliders[0].active == 1 and len(made.layout.sliders[0].steps) == 3
    made.to_json()


def test_curves_of_layers_and_modalities_are_told_apart():
    values = np.array([[[0.1, 0.2], [0.3, np.nan]]])
    found = film.modality_curves(LAYERS, values)
    assert list(found) == ["image, block 1", "text, block 1", "image, block 3", "text, block 3"]
    made = film.curves([50], found, title="kept", at=50, lines={"all": 1.0}, percent=True, top=1)
    assert list(made.data[3].y) == [None] and made.data[2].line.dash == "dash"
    assert made.data[1].line.color == style.TEXT_COLOUR
    assert len(made.layout.shapes) == 2


def test_agreement_has_a_bar_for_own_and_for_other_captions():
    own, other = flow.agreement_bars(LAYERS, [0.5, 0.6], [0.1, 0.2]).data
    assert list(own.y) == [0.5, 0.6] and list(other.y) == [0.1, 0.2]
    assert [list(each) for each in own.customdata] == [[1], [3]]
