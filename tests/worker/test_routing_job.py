"""Recording as a job: what the model itself decides, however it is stopped, honest about gaps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from store import doctor
from tests.gpu.tiny import bundle as dense_bundle
from tests.worker import routing_world as world
from tests.worker.routing_world import CONFIG, all_tokens, everything, perform
from workbench.api import open_workspace
from workbench.errors import InputError, ModelError, UnknownName
from workbench.worker import routing_job
from workbench.worker.control import Control, Interrupted

COUNT, BARE, BATCHES = 23, (3, 7, 10), 6


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return world.bundle(tmp_path_factory.mktemp("models") / "experts")


@pytest.fixture
def bench(tmp_path, bundle):
    with open_workspace(tmp_path / "space") as opened:
        world.fill(opened, tmp_path / "images", COUNT, bare=BARE)
        opened.own = world.with_model(opened, bundle)
        yield opened


def record(bench, control=None, **asked):
    job = bench.submit_recording("d", "experts", **{"batch": 4} | asked)
    return perform(bench, bench.own, job, control)


class Stopping(Control):
    """Ends the job as a stopping worker does, after some batches."""

    def __init__(self, bench, batches):
        job = bench.workspace.jobs.list(["queued"])[0]
        super().__init__(job, bench.workspace, "w", models=bench.own)
        self.left = batches

    def tick(self, done=None, *rest, **more):
        if done is not None and not rest:
            self.left -= 1
            if not self.left:
                raise Interrupted("the worker stops")

    def check(self):
        pass


def by_hand(bench, *, batch=4, factor=1.0, seed=0):
    """Expert, gate and kept of each choice, by (row, modality, layer, position, k)."""
    encoder = bench.own.get("experts")
    rows = np.random.default_rng(seed).permutation(np.arange(COUNT))
    captions = bench.workspace.tables.captions_of("d", rows.tolist())
    found = {}
    for at in range(0, COUNT, batch):
        group = rows[at : at + batch].tolist()
        with_image = [row for row in group if row not in BARE]
        with_text = [row for row in group if captions[row]]
        pixels = [
            encoder.preprocess.decode(bench.workspace.read_image(uri))
            for uri in bench.workspace.tables.take("d", with_image)["uri"].to_pylist()
        ]
        texts = [captions[row][0][1] for row in with_text]
        with torch.inference_mode():
            images = encoder.preprocess.normalise(torch.from_numpy(np.stack(pixels)))
            streams = [encoder.model.image_stream(images)]
            if texts:
                streams.append(encoder.model.text_stream(encoder.tokenizer(texts)))
            _, routed = encoder.model.through(streams, factor)
        for each in routed:
            for i in range(len(each.modality)):
                m, sequence = int(each.modality[i]), int(each.sequence[i])
                row = (with_image, with_text)[m][sequence]
                for k in range(2):
                    place = (row, m, each.layer, int(each.position[i]), k)
                    routing = each.routing
                    found[place] = (
                        int(routing.experts[i, k]),
                        round(float(routing.gates[i, k]), 2),
                        bool(routing.kept[i, k]),
                    )
    return found


def recorded_choices(table):
    found = {}
    for each in table.to_pylist():
        for k in range(2):
            place = (each["row"], each["modality"], each["layer"], each["position"], k)
            gate = round(float(each["gates"][k]), 2)
            found[place] = (each["experts"][k], gate, each["kept"][k])
    return found


@pytest.mark.parametrize("factor", ["own", None, 0.5])
def test_tokens_are_what_the_model_decides(bench, factor):
    key = record(bench, capacity_factor=factor)
    wanted = by_hand(bench, factor=1.0 if factor == "own" else factor)
    found = recorded_choices(all_tokens(bench, key))
    assert found.keys() == wanted.keys()
    for place, (expert, gate, kept) in wanted.items():
        assert (found[place][0], found[place][2]) == (expert, kept)
        assert found[place][1] == pytest.approx(gate, abs=0.011)
    dropped = bench.recording(key).dropped
    shares = [
        np.mean([not kept for (_, m, *_), (_, _, kept) in wanted.items() if m == modality])
        for modality in (0, 1)
    ]
    assert [dropped["image"], dropped["text"]] == pytest.approx(shares)
    assert (factor is None) == (sum(shares) == 0)


def test_a_recording_says_what_it_holds(bench):
    made = bench.recording(record(bench))
    with_text = [row for row in range(COUNT) if row % 5]
    assert made.inputs == {"image": COUNT - len(BARE), "text": len(with_text)}
    assert made.tokens["image"] == made.inputs["image"] * CONFIG.patches
    assert (made.layers, made.experts, made.top_k, made.grid) == ((0, 2, 3), 4, 2, 4)
    assert (made.model, made.dataset, made.current) == ("experts", "d", True)
    notes = " ".join(made.notes)
    assert "3 items have no image" in notes and "5 items have no caption" in notes
    assert "first caption" in notes and "capacity factor 1)" in notes


@pytest.mark.parametrize("side", ["image", "text"])
def test_one_modality_alone(bench, side):
    made = bench.recording(record(bench, modalities=side))
    other = {"image": "text", "text": "image"}[side]
    assert made.inputs[other] == 0 and made.dropped[other] is None and made.inputs[side] > 0
    assert f"no {'caption' if side == 'image' else 'image'}" not in " ".join(made.notes)


def test_a_question_is_recorded_once(bench):
    key = record(bench)
    shards = bench.workspace.runs.list(routing_job.PART)
    assert record(bench) == key
    assert bench.workspace.runs.list(routing_job.PART) == shards
    assert record(bench, seed=1) != key


def test_a_limit_draws_items(bench):
    keys = [record(bench, limit=9, seed=seed) for seed in (0, 1)]
    rows = [bench.recorded_rows(key) for key in keys]
    assert rows[0] != rows[1] and all(len(each) <= 9 for each in rows)


@pytest.mark.parametrize("after", [1, 2, 4, 6])
def test_a_stopped_recording_goes_on_behind_the_last_shard(bench, tmp_path, bundle, after):
    bench.submit_recording("d", "experts", batch=4)
    with pytest.raises(Interrupted):
        record(bench, Stopping(bench, after))
    parts = bench.workspace.runs.list(routing_job.PART)
    assert [part.result["groups"] for part in parts] == [after]
    key = record(bench)
    assert len(bench.workspace.runs.get(key).result["shards"]) == (1 if after == BATCHES else 2)
    with open_workspace(tmp_path / "other") as other:
        world.fill(other, tmp_path / "images", COUNT, bare=BARE)
        other.own = world.with_model(other, bundle)
        whole = record(other)
        assert everything(bench, key) == everything(other, whole)
        assert all_tokens(bench, key).equals(all_tokens(other, whole))
    assert [each for each in doctor.check(bench.workspace) if not each.harmless] == []


def test_small_shards_change_nothing_but_the_shards(bench, monkeypatch):
    key = record(bench)
    one, tokens = everything(bench, key), all_tokens(bench, key)
    bench.remove_recording(key)
    assert bench.workspace.runs.list() == ()
    monkeypatch.setattr(routing_job, "SHARD_TOKENS", 100)
    key = record(bench)
    assert len(bench.workspace.runs.get(key).result["shards"]) > 3
    assert everything(bench, key) == one
    assert all_tokens(bench, key).equals(tokens)


def test_shards_of_an_older_version_are_dropped(bench, tmp_path):
    finished = record(bench, seed=5)
    bench.submit_recording("d", "experts", batch=4)
    with pytest.raises(Interrupted):
        record(bench, Stopping(bench, 2))
    (job,) = bench.workspace.jobs.list(["queued"])
    world.fill(bench, tmp_path / "more", COUNT + 2)  # two items are new
    with pytest.raises(InputError, match="version"):
        perform(bench, bench.own, job)
    bench.cancel(job.id)
    record(bench)
    asked = [part.params["recording"] for part in bench.workspace.runs.list(routing_job.PART)]
    assert {each["seed"] for each in asked} == {0, 5}
    assert len({str(each["version"]) for each in asked}) == len(asked) == 2
    assert not bench.recording(finished).current


def test_an_image_that_cannot_be_read_is_left_out_and_named(bench, tmp_path):
    (tmp_path / "images" / "0004.png").write_bytes(b"no picture")
    made = bench.recording(record(bench))
    assert made.inputs["image"] == COUNT - len(BARE) - 1
    assert "1 images could not be read" in " ".join(made.notes) and "0004.png" in made.notes[-1]


def test_deleting_the_dataset_deletes_its_recordings(bench):
    record(bench)
    bench.delete_dataset("d")
    assert bench.workspace.runs.list() == ()


def test_a_model_without_routers_says_so(bench, tmp_path):
    world.with_model(bench, dense_bundle(tmp_path / "dense"), "towers")
    assert bench.mixtures("towers") is None
    with pytest.raises(ModelError, match=r"has no routers.*Modality gap"):
        bench.submit_recording("d", "towers")


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"batch": 0}, "batch"),
        ({"limit": 0}, "limit"),
        ({"capacity_factor": 0.0}, "capacity"),
        ({"modalities": "sound"}, "modalities"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_asked(bench, asked, match):
    with pytest.raises(InputError, match=match):
        bench.submit_recording("d", "experts", **asked)


def test_names_that_do_not_exist(bench):
    with pytest.raises(UnknownName):
        bench.submit_recording("d", "nobody")
    with pytest.raises(UnknownName):
        bench.submit_recording("nothing", "experts")
    with pytest.raises(UnknownName):
        bench.recorded("none")


def test_asked_before_the_model_was_there(bench):
    params = {"ask": {"dataset": "d", "model": "experts", "batch": 4}}
    job = bench.workspace.jobs.submit(routing_job.KIND, params, title="later")
    assert perform(bench, bench.own, job) == record(bench)
