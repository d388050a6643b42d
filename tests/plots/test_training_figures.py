"""Curves of a training say what its film says."""

from __future__ import annotations

import math

import pytest

from tests.plots.film_lines import film_text
from workbench.experts.film import film_of
from workbench.plots import style, training


@pytest.fixture
def film():
    return film_of(film_text().splitlines())


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_losses_are_those_of_the_steps(film):
    found = traces(training.loss_curves(film))
    assert list(found) == ["all losses", "contrastive"]
    assert list(found["contrastive"].x) == list(range(10, 101, 10))
    assert list(found["contrastive"].y) == pytest.approx([4 - s / 100 for s in range(10, 101, 10)])
    assert list(found["all losses"].y) == pytest.approx([4.5 - s / 100 for s in range(10, 101, 10)])


def test_router_losses_are_drawn_in_the_colour_of_their_modality(film):
    found = traces(training.entropy_loss_curves(film))
    assert list(found) == ["local, image", "local, text", "global, image", "global, text"]
    assert found["local, text"].line.color == style.TEXT_COLOUR
    assert found["global, image"].line.color == style.IMAGE_COLOUR
    assert found["global, image"].line.dash != found["local, image"].line.dash
    assert found["local, text"].y[0] == pytest.approx(0.5)
    assert list(traces(training.balance_curves(film))) == ["importance", "load"]
    assert traces(training.z_curves(film))["z"].y[-1] == pytest.approx(0.3)


def test_retrieval_is_drawn_with_its_chance(film):
    made = training.retrieval_curves(film)
    found = traces(made)
    assert found["image to text"].y[-1] == 0.5 and found["text to image"].y[-1] == 0.25
    assert list(found["image to text"].x) == list(range(0, 101, 10))
    assert made.layout.shapes[0].y0 == pytest.approx(1 / 50)


def test_entropy_has_its_limit_and_a_line_for_each_layer_and_modality(film):
    made = training.entropy_curves(film)
    found = traces(made)
    assert list(found) == ["image, block 1", "text, block 1", "image, block 3", "text, block 3"]
    assert found["text, block 3"].y[-1] == pytest.approx(0.3)
    assert made.layout.shapes[0].y0 == pytest.approx(math.log(4))


def test_kept_and_apart(film):
    assert traces(training.kept_curves(film))["text, block 1"].y[0] == pytest.approx(0.8)
    apart = traces(training.apart_curves(film))
    mixed = [(0.25 + 1) / 2, 0.125, 0.125, 0.125]
    bits = -sum(p * math.log2(p) for p in mixed) - 2 / 2  # images 2 bits, text 0
    assert list(apart) == ["block 1", "block 3"]
    assert apart["block 1"].y[0] == pytest.approx(bits)


def test_a_dense_model_has_losses_and_retrieval_alone():
    film = film_of(film_text(layers=()).splitlines())
    assert len(traces(training.loss_curves(film))) == 2
    for draw in (training.balance_curves, training.entropy_loss_curves, training.z_curves):
        assert len(draw(film).data) == 0
    for draw in (training.entropy_curves, training.kept_curves, training.apart_curves):
        assert len(draw(film).data) == 0


def test_a_long_training_is_drawn_with_few_points_and_both_ends():
    film = film_of(film_text(steps=30_000).splitlines())
    trace = traces(training.loss_curves(film))["contrastive"]
    assert len(trace.x) == 600 and (trace.x[0], trace.x[-1]) == (10, 30_000)


def test_a_film_that_has_just_begun_can_be_drawn():
    film = film_of(film_text(steps=0).splitlines())
    assert len(training.loss_curves(film).data) == 0 or not training.loss_curves(film).data[0].x
    assert len(traces(training.retrieval_curves(film))["image to text"].x) == 1
