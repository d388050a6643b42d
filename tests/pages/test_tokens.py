"""The page Image and sentence: patches and words by expert, a token's way, two side by side."""

from __future__ import annotations

import json

import pytest

import sample_data
from tests.pages.seen import charts, grids, texts


def _points(figure) -> dict:
    """The points to be clicked: the last trace."""
    return figure["data"][-1]


def _cells(app, **facts: str) -> list[dict]:
    """The cells of the first grid that is drawn so."""
    return next(g["cells"] for g in grids(app) if all(g[name] == v for name, v in facts.items()))


def _legend(figure) -> dict[str, int]:
    named = (trace for trace in figure["data"] if trace.get("showlegend"))
    return {t["name"].split(" (")[0]: int(t["name"].split("(")[1][:-1]) for t in named}


def test_an_empty_workspace_leads_on(empty, visit) -> None:
    app = visit("tokens")
    assert not app.exception and not app.error
    assert "recording" in app.info[0].value


def test_a_model_with_experts_can_be_recorded_from_here(own_routed, routes, visit) -> None:
    for key in (routes.key, routes.rival, routes.whole, routes.part):
        own_routed.remove_recording(key)
    app = visit("tokens")
    assert app.selectbox(key="recordings.model").options == ["experts", "rival"]
    app.button(key="recordings.record").click().run()
    assert not app.exception and not app.error
    (job,) = own_routed.jobs(("queued",))
    assert job.kind == "record-routing" and job.params["capacity_factor"] == 1.0


def test_models_without_experts_lead_to_the_dense_view(bench, visit, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(sample_data, "ROOT", tmp_path)
    app = visit("tokens")
    assert not app.exception and not app.error
    assert "None of the 2 models here has routers" in texts(app)


def test_an_older_workspace_is_offered_the_samples_mixtures(
    own, visit, monkeypatch, tmp_path
) -> None:
    (tmp_path / "models" / "glyph-limoe").mkdir(parents=True)
    monkeypatch.setattr(sample_data, "ROOT", tmp_path)
    app = visit("tokens")
    app.button(key="recordings.sample").click().run()
    assert not app.exception and not app.error
    assert [job.title for job in own.jobs(("queued",))] == ["Register the model glyph-limoe"]


def test_every_patch_and_word_stands_with_its_expert(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.key, image="1")
    assert not app.exception and not app.error
    found = routed.input_tokens(routes.key, 1)
    *grids, strip, _ = charts(app)
    assert len(grids) == 3
    for nth, figure in enumerate(grids):
        said = _points(figure)["hovertext"]
        first = found.image.experts[nth, :, 0].tolist()
        assert [text.split("<br>")[1].split(",")[0] for text in said] == [
            f"expert {e}" for e in first
        ]
        counts = {f"expert {e}": first.count(e) for e in set(first)}
        assert {n: c for n, c in _legend(figure).items() if "dropped" not in n} == counts
        lost = [not all(each) for each in found.image.kept[nth].tolist()]
        assert ["<b>dropped</b>" in text for text in said] == lost
    words = found.text.words
    assert len(_points(strip)["customdata"]) == 3 * len(words)
    assert "apple" in texts(app) or "apple" in json.dumps(strip)


def test_the_address_names_the_token_and_its_way(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.key, image="1", token="image-6", layer="2")
    side = routed.input_tokens(routes.key, 1).image
    way = [str(e) for e in side.experts[:, 6, 0].tolist()]
    shown = texts(app)
    assert "The way of the patch in row 2, column 3" in shown
    assert f"Experts **{' → '.join(way)}**" in shown
    assert f"What else expert {way[1]} takes" in shown
    figure = charts(app)[-1]
    assert [each[1] for each in _points(figure)["customdata"]] == [int(e) for e in way]
    heights = [-y for y in figure["data"][0]["y"]]
    probs = side.probs[0, 6].tolist()
    assert [h / heights[0] for h in heights] == pytest.approx(
        [p / probs[0] for p in probs], rel=1e-3
    )
    outlined = [figure["layout"].get("shapes", []) for figure in charts(app)[:3]]
    assert all((shape[0]["x0"], shape[0]["y0"]) == (2, 1) for shape in outlined)


def test_a_word_can_be_chosen(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.key, image="1", token="text-0")
    word = routed.input_tokens(routes.key, 1).text.words[0]
    assert f"The way of the word 1: {word}" in texts(app)
    strip = charts(app)[3]
    assert len(strip["layout"]["shapes"]) == 2 * 3


@pytest.mark.parametrize("token", ["image-999", "nonsense", "text--1", "audio-3"])
def test_a_damaged_address_chooses_something_near(routed, routes, visit, token) -> None:
    app = visit("tokens", recording=routes.key, image="100000", token=token, layer="77")
    assert not app.exception and not app.error
    assert "The way of the" in texts(app)


def test_an_item_without_image_or_caption_says_so(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.key, image="3")
    assert "No image was recorded" in texts(app) and "The way of the word" in texts(app)
    app = visit("tokens", recording=routes.key, image="5")
    assert "No caption was recorded" in texts(app) and len(charts(app)) == 4


def test_patches_of_the_same_expert_lead_to_their_image(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.key, image="1", token="image-6", layer="0")
    expert = int(routed.input_tokens(routes.key, 1).image.experts[0, 6, 0])
    shown = _cells(app, layout="grid", size="tiny")
    best = routed.top_patches(routes.key, 0, expert, n=24)
    assert [cell["row"] for cell in shown] == [patch.row for patch in best]
    assert shown[0]["outline"] == pytest.approx(list(best[0].box))


def test_only_recorded_items_are_found(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.part, find="apple")
    held = set(routed.recorded_rows(routes.part))
    shown = {cell["row"] for cell in _cells(app, layout="strip")}
    assert not app.exception and shown <= held
    every = {r["row"] for r in routed.items("d", search="apple").to_pylist() if r["uri"]}
    assert shown == every & held


def test_two_images_stand_beside_each_other_with_their_likeness(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.key, image="1", other="2", beside="Another image")
    assert not app.exception and not app.error
    assert len(charts(app)) == 3 + 1 + 3 + 1 + 1
    table = next(t.value for t in app.dataframe if "same expert" in t.value.columns)
    found = routed.alike(routes.key, 1, 2)
    assert table["same expert"].to_list() == [e.same for side in found.values() for e in side]


def test_the_same_image_stands_beside_itself_under_another_model(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.key, image="1", beside="Another recording")
    assert not app.exception and not app.error
    assert "nothing to do with each other" in texts(app)
    assert app.selectbox(key=f"against.pick.{routes.rival}").value == routes.rival


def test_steps_and_clicks_change_the_address(routed, routes, visit) -> None:
    app = visit("tokens", recording=routes.key, image="1")
    app.button(key="tokens.Next").click().run()
    assert app.query_params["image"] in (["2"], "2")
    app.number_input(key=f"image.number.{routes.key}.2").set_value(7).run()
    assert app.query_params["image"] in (["7"], "7")
    assert not app.exception and not app.error
