"""One item's tokens as its page shows them: the picture that was seen, averages, and likeness."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.worker.routing_world import bundle as made_bundle
from tests.worker.routing_world import fill, perform, with_model
from workbench.api import open_workspace
from workbench.api.token_views import _alike, _cropped
from workbench.errors import InputError


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    with open_workspace(folder / "workspace") as opened:
        models = with_model(opened, made_bundle(folder / "bundle"))
        fill(opened, folder / "pictures", 14, bare=(3,))
        opened.key = perform(opened, models, opened.submit_recording("d", "experts", batch=5))
        yield opened


def _opened(address: str) -> Image.Image:
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_picture_is_the_square_that_the_model_saw(bench) -> None:
    wide = _opened(bench.seen_picture(bench.key, 1))  # 40 x 30
    assert wide.size == (30, 30) and wide.mode == "RGB"
    tall = _opened(bench.seen_picture(bench.key, 0, grey=True))  # 30 x 48
    assert tall.size == (30, 30) and tall.mode == "L"
    whole = Image.open(io.BytesIO(bench.thumbnail("d", 1, 320))).convert("RGB")
    assert np.array_equal(np.asarray(wide), np.asarray(whole)[:, 5:35])


def test_an_item_without_image_has_no_picture(bench) -> None:
    with pytest.raises(InputError, match="has no image"):
        bench.seen_picture(bench.key, 3)


def test_a_margin_that_the_model_saw_is_black() -> None:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "#ffffff").save(out, "PNG")
    seen = np.asarray(_opened(_cropped(out.getvalue(), (0, -0.5, 1, 1.5), grey=True)))
    assert seen.shape == (20, 20)
    assert not seen[:5].any() and (seen[5:15] == 255).all() and not seen[15:].any()


def test_averages_are_those_of_all_tokens(bench) -> None:
    usual, chosen = bench.usual_routing(bench.key), bench.choice_shares(bench.key)
    rows = bench.recorded_rows(bench.key)
    for modality, side in enumerate(("image", "text")):
        found = [getattr(bench.input_tokens(bench.key, row), side) for row in rows]
        tokens = [each for each in found if each is not None]
        probs = np.concatenate([each.probs for each in tokens], axis=1)
        assert np.allclose(usual[:, modality], probs.mean(axis=1), atol=1e-3)
        experts = np.concatenate([each.experts for each in tokens], axis=1)
        for layer in range(3):
            share = np.bincount(experts[layer].ravel(), minlength=4) / experts[layer].size
            assert np.allclose(chosen[layer, modality], share)


def test_an_image_is_quite_like_itself(bench) -> None:
    found = bench.alike(bench.key, 1, 1)
    assert set(found) == {"image", "text"}
    for each in found["image"]:
        assert each.n == 16 and each.same == 1 and each.overlap == pytest.approx(1)
        assert 1 / 4 <= each.chance <= 1
    assert [each.layer for each in found["image"]] == [0, 2, 3]


def test_only_sides_that_both_have_are_compared(bench) -> None:
    assert set(bench.alike(bench.key, 1, 3)) == {"text"}  # item 3 has no image
    assert set(bench.alike(bench.key, 1, 5)) == {"image"}  # item 5 has no caption


def _side(positions: list[int], experts: list[int]) -> SimpleNamespace:
    return SimpleNamespace(positions=np.array(positions), experts=np.array(experts)[None, :, None])


def test_likeness_of_two_inputs_worked_by_hand() -> None:
    first, second = _side([0, 1, 2, 3], [0, 0, 1, 2]), _side([1, 2, 3], [0, 2, 2])
    found = _alike(7, first, second, 0)
    assert (found.layer, found.n) == (7, 3)
    assert found.same == pytest.approx(2 / 3)  # places 1 and 3
    assert found.chance == pytest.approx(1 / 2 * 1 / 3 + 1 / 4 * 2 / 3)
    assert found.overlap == pytest.approx(1 / 3 + 0 + 1 / 4)


def test_tokens_that_a_layer_did_not_see_are_left_out() -> None:
    found = _alike(1, _side([0, 1], [-1, 2]), _side([0, 1], [1, 2]), 0)
    assert found.n == 1 and found.same == 1 and found.overlap == pytest.approx(1 / 2)
    nothing = _alike(1, _side([0], [-1]), _side([0], [1]), 0)
    assert nothing.n == 0 and np.isnan(nothing.same) and nothing.overlap == 0
