"""The Experts page: bars of both models, one expert with patches, words and classes, flow, film."""

from __future__ import annotations

import json

import pytest

from tests.pages.seen import cells, charts, texts


def _fine(app):
    assert not app.exception and not app.error
    return app


def _chart(app, trace: str) -> dict:
    """The first figure with a trace of this name."""
    return next(f for f in charts(app) if any(t.get("name") == trace for t in f["data"]))


def _strips(app) -> list[dict]:
    return cells(app, "strip")


def test_an_empty_workspace_leads_on(empty, visit) -> None:
    app = _fine(visit("experts"))
    assert "recording" in app.info[0].value


def test_bars_hold_the_share_of_each_modality_of_both_models(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.key, beside=routes.rival))
    for nth, key in enumerate((routes.key, routes.rival)):
        share = routed.expert_sums(key).shares.share
        figure = [f for f in charts(app) if f["data"][0].get("name") == "share of image tokens"][
            nth
        ]
        assert len(figure["data"]) == 6
        for trace in figure["data"]:
            for (layer, expert, modality), height in zip(
                trace["customdata"], trace["y"], strict=True
            ):
                place = (0, 2, 3).index(layer)
                assert height == pytest.approx(share[place, expert, modality])
        for modality in (0, 1):
            heights = figure["data"][modality]["y"]
            assert sum(heights) == pytest.approx(1)


def test_one_recording_may_stand_alone(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.part, beside="-"))
    bars = [f for f in charts(app) if f["data"][0].get("name") == "share of image tokens"]
    assert len(bars) == 1


def test_another_model_stands_beside_without_being_asked(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.key))
    assert [each.value for each in app.subheader][:2] == ["experts", "rival"]


def test_load_and_each_figure_of_the_routers_can_be_drawn(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.key, beside="-", bars="Load"))
    tokens = routed.expert_sums(routes.key).tokens
    image = _chart(app, "image tokens")["data"][0]
    kept = routed.expert_sums(routes.key).kept
    for (layer, expert, _), height in zip(image["customdata"], image["y"], strict=True):
        assert layer == 0
        assert height == pytest.approx(kept[0, expert, 0] / tokens[0].sum())
    for kind in ("Local entropy", "Global entropy", "Dropped tokens", "Confidence"):
        _fine(visit("experts", recording=routes.key, beside="-", routers=kind))
    _fine(visit("experts", recording=routes.key, figure="NMI"))


def test_a_bar_that_was_clicked_shows_patches_and_words_of_its_model(routed, routes, visit) -> None:
    app = visit(
        "experts", recording=routes.key, beside=routes.rival, of=routes.rival, layer="2", expert="1"
    )
    _fine(app)
    patches = routed.top_patches(routes.rival, 2, 1, n=14)
    assert [cell["row"] for cell in _strips(app)] == [each.row for each in patches]
    app.button(key="preview.open").click().run()
    _fine(app)
    assert app.query_params["recording"] == routes.rival
    assert app.session_state["tab"] == "An expert"


def test_the_wall_shows_each_patch_within_its_picture(routed, routes, visit) -> None:
    app = _fine(
        visit(
            "experts", recording=routes.key, tab="An expert", layer="0", expert="2", context="near"
        )
    )
    patches = routed.top_patches(routes.key, 0, 2, n=256)
    shown = cells(app)
    assert shown and [c["row"] for c in shown] == [p.row for p in patches[: len(shown)]]
    for cell, patch in zip(shown, patches, strict=False):
        left, upper, right, lower = cell["part"]
        x0, y0, x1, y1 = cell["outline"]
        assert (x0, y0, x1, y1) == pytest.approx(patch.box)
        assert left <= x0 and upper <= y0 and right >= x1 and lower >= y1
        assert right - left == pytest.approx(3 * (x1 - x0))
        assert cell["score"] == f"{patch.gate:.2f}"


@pytest.mark.parametrize("context", ["patch", "far", "whole image"])
def test_more_or_less_of_the_picture_can_be_shown(routed, routes, visit, context: str) -> None:
    app = _fine(
        visit(
            "experts", recording=routes.key, tab="An expert", layer="0", expert="2", context=context
        )
    )
    cell = cells(app)[0]
    patch = routed.top_patches(routes.key, 0, 2, n=1)[0]
    if context == "patch":
        assert cell["part"] == pytest.approx(patch.box) and cell["outline"] is None
    else:
        assert cell["outline"] == pytest.approx(patch.box)
        assert cell["part"][2] - cell["part"][0] >= patch.box[2] - patch.box[0]


def test_words_and_figures_of_an_expert(routed, routes, visit) -> None:
    e = int(routed.expert_sums(routes.key).tokens[2, :, 1].argmax())
    app = visit("experts", recording=routes.key, tab="An expert", layer="3", expert=str(e))
    _fine(app)
    words = routed.word_lifts(routes.key, 3, e)
    table = next(t.value for t in app.dataframe if "lift" in t.value and "word" in t.value)
    assert list(table["word"]) == [each.word for each in words]
    assert list(table["lift"]) == pytest.approx([each.lift for each in words])
    found = routed.expert_sums(routes.key)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Of text tokens"] == f"{found.shares.share[2, e, 1]:.1%}"
    assert metrics["Modality index"] == f"{found.shares.index[2, e]:+.2f}"


def test_classes_of_an_expert_lead_to_their_images(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.key, tab="An expert", layer="0", expert="0"))
    (column, *_) = routed.expert_columns(routes.key, 0)
    found = routed.expert_classes(routes.key, 0, 0, column)
    table = next(t.value for t in app.dataframe if "class" in t.value)
    assert list(table["class"]) == [each.name for each in found]
    assert list(table["inputs"]) == [each.inputs for each in found]


def test_neighbours_are_walked_from_image_to_text(routed, routes, visit) -> None:
    order = routed.expert_sums(routes.key).order
    first, second = int(order[0, 0]), int(order[0, 1])
    app = visit("experts", recording=routes.key, tab="An expert", layer="0", expert=str(first))
    assert app.button(key="one.Previous").disabled
    app.button(key="one.Next").click().run()
    _fine(app)
    assert app.query_params["expert"] == str(second)


def test_an_expert_that_is_not_there_counts_as_none(routed, routes, visit) -> None:
    app = visit("experts", recording=routes.key, tab="An expert", layer="1", expert="77")
    _fine(app)
    bits = routed.expert_sums(routes.key).shares.contribution[-1]
    assert f"Block 3, expert {int(bits.argmax())}" in [each.value for each in app.subheader]


def test_flow_adds_up_to_all_tokens_of_each_modality(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.key, tab="Flow", streams="12"))
    sankey = next(f["data"][0] for f in charts(app) if f["data"][0]["type"] == "sankey")
    steps, modalities = 2, 2
    assert sum(sankey["link"]["value"]) == pytest.approx(steps * modalities)
    rows = next(t.value for t in app.dataframe if "next expert" in t.value)
    flow = routed.flows(routes.key).flow
    assert rows["tokens"].sum() == flow.sum()


def test_agreement_leads_to_pairs(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.key, tab="Flow", layer="2", alike="least alike"))
    paths = routed.expert_paths(routes.key)
    own = _chart(app, "its own caption")["data"][0]
    assert own["y"] == pytest.approx(paths.agreement.mean.tolist())
    wanted = paths.pairs(1, most=12, alike=False)
    assert [cell["row"] for cell in cells(app)] == [row for row, _ in wanted]
    assert cells(app)[0]["score"] == f"{paths.agreement.each[:, 1].min():.2f}"


def test_experts_chosen_together_are_a_share_of_the_row(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.key, tab="Flow", block="2", of_side="text"))
    heat = next(f["data"][0] for f in charts(app) if f["data"][0]["type"] == "heatmap")
    together = routed.flows(routes.key).together[1, 1]
    chosen = routed.recorded(routes.key).loads[1, :, 1] * 2
    for a in range(4):
        for b in range(4):
            if a != b and chosen[a]:
                assert heat["z"][a][b] == pytest.approx(together[a, b] / chosen[a])


def test_without_a_film_the_page_says_where_one_comes_from(routed, routes, visit) -> None:
    app = _fine(visit("experts", recording=routes.key, tab="Training"))
    assert "No training was filmed here" in texts(app)


def _watch(step: int, hard: list) -> str:
    look = {"kind": "watch", "step": step, "layers": [0, 2], "hard": hard, "soft": hard}
    look |= {"local": [[1.0, 0.5]] * 2, "kept": [[0.9, 1.0]] * 2}
    return json.dumps(look | {"image_to_text": 0.1, "text_to_image": 0.2, "pairs": 256})


def test_a_film_moves_through_the_looks_and_opens_at_a_step(own_routed, routes, visit) -> None:
    model = next(each for each in own_routed.models() if each.name == "experts")
    lines = [
        _watch(0, [[[5, 5], [5, 5]]] * 2),
        _watch(50, [[[9, 1], [2, 8]]] * 2),
        _watch(100, [[[10, 0], [0, 10]]] * 2),
    ]
    folder = own_routed.workspace.catalog.model_folder(model.key)
    (folder / "training.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    for curve in ("Divergence", "Experts in use", "Settled", "Retrieval", "Losses"):
        app = _fine(visit("experts", recording=routes.key, tab="Training", step="50", curve=curve))
    figure = next(f for f in charts(app) if f.get("frames"))
    assert [frame["name"] for frame in figure["frames"]] == ["0", "50", "100"]
    assert figure["layout"]["sliders"][0]["active"] == 1
    assert sorted(figure["data"][1]["y"]) == [0.2, 0.8]
    app = _fine(visit("experts", recording=routes.key, tab="Training"))
    curve = _chart(app, "block 2")["data"][0]
    assert curve["y"] == pytest.approx([0.0, own_routed.model_film(model.key).jsd[1, 0], 1.0])


def test_a_recording_whose_dataset_is_gone_still_shows_its_figures(
    own_routed, routes, visit, monkeypatch
) -> None:
    others = [each for each in own_routed.datasets() if each.name != "d"]
    monkeypatch.setattr(type(own_routed), "datasets", lambda self: others)
    for tab in ("Overview", "An expert", "Flow"):
        app = visit("experts", recording=routes.key, tab=tab, layer="0", expert="0")
        _fine(app)
