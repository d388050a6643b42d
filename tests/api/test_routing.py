"""What is told of a recording, against the tokens themselves."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.worker import routing_world as world
from tests.worker.routing_world import CONFIG, all_tokens, perform
from workbench.api import open_workspace
from workbench.api.routing_tables import seen_box
from workbench.errors import InputError, UnknownName

COUNT, BARE = 40, (2, 9)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routing")
    with open_workspace(folder / "space") as opened:
        world.fill(opened, folder / "images", COUNT, bare=BARE)
        models = world.with_model(opened, world.bundle(folder / "experts"))
        job = opened.submit_recording("d", "experts", batch=8)
        opened.key = perform(opened, models, job)
        opened.tokens = all_tokens(opened, opened.key).to_pylist()
        yield opened


def choices(bench, **where):
    """(token, choice number) of every choice whose token has these values."""
    return [
        (token, k)
        for token in bench.tokens
        if all(token[name] == value for name, value in where.items())
        for k in range(CONFIG.top_k)
    ]


def test_sums_are_those_of_the_tokens(bench):
    found = bench.recorded(bench.key)
    assert found.layers.tolist() == list(CONFIG.moe_layers)
    for at, layer in enumerate(CONFIG.moe_layers):
        for m in (0, 1):
            mine = choices(bench, layer=layer, modality=m)
            assert found.tokens[at, m] == len(mine) / CONFIG.top_k
            chosen = Counter(token["experts"][k] for token, k in mine)
            kept = Counter(token["experts"][k] for token, k in mine if token["kept"][k])
            soft = np.array([t["probs"] for t, k in mine if k == 0], float).sum(axis=0)
            for expert in range(CONFIG.experts):
                assert found.loads[at, expert, m] == chosen[expert] / CONFIG.top_k
                assert found.kept[at, expert, m] == kept[expert] / CONFIG.top_k
            np.testing.assert_allclose(found.soft[at, :, m], soft, rtol=1e-9)
    assert found.capacity_factor == CONFIG.capacity_factor


def test_inputs_add_up_to_the_sums(bench):
    found = bench.recorded(bench.key)
    for m in (0, 1):
        mine = found.inputs.modality == m
        np.testing.assert_allclose(found.inputs.hard[mine].sum(axis=0), found.loads[:, :, m])
        np.testing.assert_allclose(
            found.inputs.soft[mine].sum(axis=0), found.soft[:, :, m], rtol=1e-5
        )
        np.testing.assert_allclose(found.inputs.kept[mine].sum(axis=0), found.kept[..., m].sum(1))
        assert np.array_equal(found.inputs.tokens[mine].sum(axis=0), found.tokens[:, m])
    assert set(found.inputs.rows[found.inputs.modality == 0]) == set(range(COUNT)) - set(BARE)


def test_an_answer_is_computed_once(bench):
    assert bench.recorded(bench.key) is bench.recorded(bench.key)


@pytest.mark.parametrize("row", [0, 1, 9])
def test_the_tokens_of_an_item(bench, row):
    found = bench.input_tokens(bench.key, row)
    assert (found.row, found.layers, found.grid) == (row, CONFIG.moe_layers, 4)
    for m, side in enumerate((found.image, found.text)):
        mine = [token for token in bench.tokens if (token["row"], token["modality"]) == (row, m)]
        if not mine:
            assert side is None and (row in BARE if m == 0 else row % 5 == 0)
            continue
        assert len(side) == len(mine) / len(CONFIG.moe_layers)
        for token in mine:
            at = CONFIG.moe_layers.index(token["layer"])
            place = side.positions.tolist().index(token["position"])
            assert side.experts[at, place].tolist() == token["experts"]
            assert side.kept[at, place].tolist() == token["kept"]
            assert side.gates[at, place].tolist() == [float(gate) for gate in token["gates"]]
            assert side.probs[at, place].tolist() == [float(p) for p in token["probs"]]
            if m:
                assert side.words[place] == token["word"]
    assert found.text is None or found.text.words[-1] == "⟨end⟩"


def test_an_item_that_was_not_recorded(bench):
    with pytest.raises(InputError, match="recorded"):
        bench.input_tokens(bench.key, COUNT + 5)
    assert bench.recorded_rows(bench.key) == tuple(range(COUNT))


def test_the_wall_of_an_expert(bench):
    layer, expert = CONFIG.moe_layers[1], 2
    mine = [
        (float(token["gates"][k]), token["row"])
        for token, k in choices(bench, layer=layer, modality=0)
        if token["experts"][k] == expert and token["kept"][k]
    ]
    taken, wanted = Counter(), []
    for gate, row in sorted(mine, reverse=True):
        if taken[row] < 4:
            taken[row] += 1
            wanted.append(gate)
    patches = bench.top_patches(bench.key, layer, expert, n=256)
    assert [patch.gate for patch in patches] == wanted[:256]
    assert [patch.rank for patch in patches] == list(range(len(patches)))
    assert max(Counter(patch.row for patch in patches).values()) <= 4
    assert bench.top_patches(bench.key, layer, expert, n=3, skip=5) == patches[5:8]
    assert bench.top_patches(bench.key, layer, expert, n=3, skip=9_999) == ()


def test_a_patch_lies_where_the_model_saw_it(bench):
    for patch in bench.top_patches(bench.key, CONFIG.moe_layers[0], 0, n=40):
        down, across = divmod(patch.position, 4)
        width, height = (40, 30) if patch.row % 2 else (30, 48)
        side = min(width, height)  # the middle of the picture is cropped
        left, upper = (width - side) / 2 + across * side / 4, (height - side) / 2 + down * side / 4
        wanted = (left, upper, left + side / 4, upper + side / 4)
        found = np.array(patch.box) * (width, height, width, height)
        assert found.tolist() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("mode", "box"),
    [
        ("shortest", (0.25, 0.0, 0.75, 1.0)),
        ("longest", (0.0, -0.5, 1.0, 1.5)),
        ("squash", (0.0, 0.0, 1.0, 1.0)),
    ],
)
def test_what_a_model_sees_of_a_wide_picture(mode, box):
    assert seen_box(200, 100, {"resize_mode": mode}) == box


def test_words_beside_their_base_rate(bench):
    layer, expert = CONFIG.moe_layers[2], 1
    found = bench.expert_words(bench.key, layer, expert)
    every = choices(bench, layer=layer, modality=1)
    base = Counter(token["word"] for token, _ in every)
    mine = Counter(token["word"] for token, k in every if token["experts"][k] == expert)
    assert dict(zip(found.words, found.n * 2, strict=True)) == mine
    assert dict(zip(found.words, found.base * 2, strict=True)) == {w: base[w] for w in mine}
    assert (found.total, found.base_total) == (mine.total() / 2, base.total() / 2)
    assert found.n.tolist() == sorted(found.n, reverse=True)


def test_how_an_experts_choices_lie(bench):
    layer, expert = CONFIG.moe_layers[0], 3
    found = bench.distribution(bench.key, layer, expert)
    for m, (own, every) in enumerate(
        [(found.patches.ravel(), found.base_patches.ravel()), (found.words, found.base_words)]
    ):
        mine = choices(bench, layer=layer, modality=m)
        base = Counter(token["position"] for token, _ in mine)
        of = [(token, k) for token, k in mine if token["experts"][k] == expert]
        places = Counter(token["position"] for token, _ in of)
        assert every.tolist() == [base[place] for place in range(len(every))]
        assert own.tolist() == [places[place] for place in range(len(own))]
        bins = Counter(min(int(float(token["gates"][k]) * 20), 19) for token, k in of)
        assert found.gates[m].tolist() == [bins[each] for each in range(20)]
    assert found.patches.shape == (4, 4)


def test_flows_between_layers_and_within(bench):
    found = bench.flows(bench.key)
    places = {
        (t["row"], t["modality"], t["position"], t["layer"]): t["experts"] for t in bench.tokens
    }
    flow, both = np.zeros_like(found.flow), np.zeros_like(found.together)
    for (row, m, position, layer), experts in places.items():
        at = CONFIG.moe_layers.index(layer)
        a, b = experts
        both[at, m, a, b] += 1
        both[at, m, b, a] += 1
        if at + 1 < len(CONFIG.moe_layers):
            after = places[row, m, position, CONFIG.moe_layers[at + 1]]
            flow[at, m, a, after[0]] += 1
    assert np.array_equal(found.flow, flow) and np.array_equal(found.together, both)


def test_classes_of_inputs(bench):
    inputs = bench.recorded(bench.key).inputs
    wanted = [world.LABELS[row % 3] for row in inputs.rows.tolist()]
    assert list(bench.classes_of_inputs(bench.key)) == wanted
    with pytest.raises(UnknownName):
        bench.classes_of_inputs(bench.key, "colour")


def test_recordings_are_listed(bench):
    (made,) = bench.recordings()
    assert made == bench.recording(bench.key)
    assert bench.recordings("d", "experts") == (made,) == bench.recordings(model=made.model_key)
    assert bench.recordings("other") == () == bench.recordings(model="other")
    assert made.label == "experts · d · capacity 1"
    mixtures = bench.mixtures("experts")
    assert (mixtures.layers, mixtures.experts, mixtures.top_k) == (CONFIG.moe_layers, 4, 2)
    assert (mixtures.grid, mixtures.capacity_factor, mixtures.modality_bias) == (4, 1.0, False)


@pytest.mark.parametrize(("layer", "expert"), [(1, 0), (0, 4), (0, -1)])
def test_an_expert_that_is_not_there(bench, layer, expert):
    for ask in (bench.top_patches, bench.expert_words, bench.distribution):
        with pytest.raises(InputError, match="of the recording"):
            ask(bench.key, layer, expert)


def test_a_run_of_another_kind_is_no_recording(bench):
    other = bench.workspace.runs.publish("evaluate-retrieval", {"dataset": "d"}, {})
    with pytest.raises(UnknownName, match="recording"):
        bench.recorded(other.key)
    bench.workspace.runs.drop(other.key)
