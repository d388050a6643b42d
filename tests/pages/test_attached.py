"""The pages of experts show a recording of a model that this workspace does not have."""

from __future__ import annotations

import pytest

from tests.api.test_attached import record
from tests.worker import routing_world as world
from workbench.experts.layer_records import Flags


@pytest.fixture
def kept(empty, tmp_path):
    world.fill(empty, tmp_path / "images", 12)
    flags = Flags(dropless=False, score="sigmoid", bias_selected=True)
    records = [record(layer, split=layer == 3, flags=flags) for layer in (1, 3)]
    for each in records:
        each.kept[::7] = False
    return empty.keep_routing("mixture/7b", records, dataset="d", notes=("Prompt: none.",))


def fine(app):
    assert not app.exception and not app.error
    return " ".join(str(each.value) for each in (*app.caption, *app.markdown))


@pytest.mark.parametrize("tab", ["Overview", "An expert", "Flow", "Training"])
def test_experts(kept, visit, tab):
    app = visit("experts", recording=kept.key, tab=tab, layer="3", expert="4")
    assert fine(app)


def test_the_overview_says_what_it_rests_on(kept, visit):
    seen = fine(visit("experts", recording=kept.key))
    assert "room as the model itself gives it" in seen
    assert "12 images" in seen and "12 texts" in seen


def test_an_image_and_its_sentence(kept, visit):
    app = visit("tokens", recording=kept.key, row="7")
    assert fine(app)
