"""`workbench experts`, with recordings made in this process by a LIMoE of random weights."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.gpu.tiny import bundle as dense_bundle
from tests.worker import routing_world as world
from workbench.api import Workbench, open_workspace
from workbench.cli import main
from workbench.experts.summary import summarise
from workbench.worker import routing_job
from workbench.worker.adopt import register
from workbench.worker.control import Control


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experts")
    with open_workspace(folder / "space") as bench:
        world.fill(bench, folder / "images", 20)
        models = world.with_model(bench, world.bundle(folder / "bundle"))
        dense = str(dense_bundle(folder / "dense"))
        register(bench.workspace, models.device, "", dense, "dense", "auto")
    return folder / "space", models


@pytest.fixture
def ask(made, monkeypatch, capsys):
    """Run an action; its status, what it printed, and how many recordings it made."""
    root, models = made
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(root))
    monkeypatch.setattr(Workbench, "ensure_worker", lambda self: None)
    monkeypatch.setattr(Workbench, "wait_worker", lambda self: None)
    ran = []

    def wait(self, number, on_progress=None, timeout=None):
        job = self.workspace.jobs.claim("w")
        if job is not None:
            ran.append(job.id)
            control = Control(job, self.workspace, "w", models=models)
            self.workspace.jobs.finish(job.id, "w", routing_job.run(job, self.workspace, control))
        return self.job(number)

    monkeypatch.setattr(Workbench, "wait", wait)

    def run(*words):
        capsys.readouterr()
        ran.clear()
        status = main(["experts", *words])
        return status, capsys.readouterr(), len(ran)

    return run


def test_a_summary_records_first_and_then_answers_from_what_it_has(ask, made):
    words = ("summary", "--model", "experts", "--dataset", "d", "--json")
    status, printed, ran = ask(*words)
    found = json.loads(printed.out)
    assert (status, ran) == (0, 1) and ask(*words)[2] == 0
    assert found["model"] == "experts" and found["dataset"] == "d" and found["top_k"] == 2
    assert [layer["layer"] for layer in found["layers"]] == list(world.CONFIG.moe_layers)
    with open_workspace(made[0]) as bench:
        recorded = bench.recorded(found["recording"])
    q = recorded.loads / recorded.loads.sum(axis=1, keepdims=True)
    for place, layer in enumerate(found["layers"]):
        middle = q[place].mean(axis=1)
        ratio = np.where(q[place] > 0, q[place] / middle[:, None], 1)
        assert layer["jsd_bits"] == pytest.approx((q[place] * np.log2(ratio)).sum() / 2)
        assert layer["jsd_interval"][0] <= layer["jsd_bits"] <= layer["jsd_interval"][1]
        assert 0 <= layer["nmi"] <= 1
        for name in ("effective_experts", "dropped", "entropy_local", "entropy_global"):
            assert set(layer[name]) == {"image", "text"}
        assert 0 < layer["dropped"]["text"] < 1 <= layer["effective_experts"]["image"] <= 4


def test_people_read_a_table_a_layer_a_line(ask, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # a narrow terminal cuts heads and cells
    status, printed, _ = ask("summary", "-m", "experts", "-d", "d")
    lines = printed.out.splitlines()
    assert status == 0 and lines[0].startswith("experts · d")
    heads = [line.split() for line in lines if line.startswith("block")]
    assert {"jsd_bits", "low", "chance", "nmi", "experts_text"} <= set(heads[0])
    assert {"dropped_image", "local_text", "global_image"} <= set(heads[1])
    assert sum(line.startswith(("0 ", "2 ", "3 ")) for line in lines) == 6


def test_record_says_what_was_recorded_and_at_what_capacity(ask, made):
    status, printed, ran = ask("record", "d", "-m", "experts", "--capacity", "none", "--json")
    found = json.loads(printed.out)
    assert (status, ran) == (0, 1) and found["capacity_factor"] is None
    assert found["dropped"] == {"image": 0, "text": 0} and found["inputs"]["image"] == 20
    status, printed, ran = ask("record", "d", "-m", "experts", "--capacity", "none")
    assert (status, ran) == (0, 0) and found["key"] in printed.out
    by_key = ask("summary", "--recording", found["key"], "--json")[1].out
    with open_workspace(made[0]) as bench:
        first = summarise(bench.recorded(found["key"]))[0]
    assert json.loads(by_key)["layers"][0]["jsd_bits"] == pytest.approx(first.jsd_bits)


def test_images_alone_have_nothing_to_be_compared_with(ask):
    words = ("-m", "experts", "-d", "d", "--modalities", "image", "--limit", "6", "--json")
    status, printed, _ = ask("summary", *words)
    layer = json.loads(printed.out)["layers"][0]
    assert status == 0 and layer["jsd_bits"] is None and "nothing to compare" in printed.err
    assert layer["effective_experts"]["image"] >= 1 and layer["effective_experts"]["text"] is None


def test_a_job_that_is_only_queued_is_no_failure(ask):
    status, printed, ran = ask("record", "d", "-m", "experts", "--seed", "5", "--no-wait")
    assert (status, ran) == (0, 0) and "is queued: Record routing of experts on d" in printed.out


@pytest.mark.parametrize(
    "words, message",
    [
        (("summary", "-m", "dense", "-d", "d"), "has no routers"),
        (("summary", "-m", "experts", "-d", "nowhere"), "unknown dataset 'nowhere'"),
        (("summary", "--recording", "nothing"), "nothing"),
        (("record", "d", "-m", "experts", "--match", "x"), "--where"),
        (("record", "d", "-m", "experts", "--batch", "0"), "at least 1 item"),
    ],
)
def test_questions_that_cannot_be_answered(ask, words, message):
    status, printed, ran = ask(*words)
    assert (status, ran) == (2, 0) and message in printed.err and not printed.out


def test_a_capacity_is_a_word_or_a_number(ask, capsys):
    with pytest.raises(SystemExit):
        ask("record", "d", "-m", "experts", "--capacity", "much")
    assert "expected own, none or a number" in capsys.readouterr().err
