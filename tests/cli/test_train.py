"""`workbench train`, with the job done in this process."""

from __future__ import annotations

import json

import pytest

from store.training import KIND
from store.workspace import Workspace
from tests.worker.embed_world import fill
from workbench.api import Recipe, Workbench
from workbench.cli import build_parser, main
from workbench.params import describe
from workbench.worker import train_job
from workbench.worker.control import Control
from workbench.worker.models import Models

SIZES = {
    "image-size": 16,
    "width": 16,
    "layers": 2,
    "heads": 2,
    "experts": 4,
    "batch": 8,
    "steps": 2,
    "watch": 2,
}
TINY = [word for name, size in SIZES.items() for word in (f"--{name}", str(size))]


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """Run the command; its status and what it printed."""
    with Workspace.open(tmp_path / "space") as space:
        fill(space, tmp_path / "in", 60)
        space.catalog.set_setting("sample", "removed")
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(tmp_path / "space"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(Workbench, "ensure_worker", lambda self: None)
    monkeypatch.setattr(Workbench, "wait_worker", lambda self: None)

    def wait(self, number, on_progress=None, timeout=None):
        for other in self.jobs(("queued",)):
            if other.kind != KIND:  # the embedding that a former training queued
                self.cancel(other.id)
        job = self.workspace.jobs.claim("w")
        if job is not None:
            models = Models(self.workspace, "cpu")
            models.prepare()
            control = Control(job, self.workspace, "w", models=models)
            self.workspace.jobs.finish(job.id, "w", train_job.run(job, self.workspace, control))
        return self.job(number)

    monkeypatch.setattr(Workbench, "wait", wait)

    def run(*words):
        capsys.readouterr()
        status = main(["train", *words])
        return status, capsys.readouterr()

    return run


def test_a_model_is_trained_and_told(ask):
    status, printed = ask("limoe", "-d", "d", "--name", "small", *TINY, "--seed", "3", "--json")
    told = json.loads(printed.out)
    assert status == 0 and told["name"] == "small" and told["steps"] == 2
    assert told["recipe"]["seed"] == 3 and told["recipe"]["losses"] == "limoe"
    assert told["held_out"]["pairs"] == 6 and len(told["held_out"]["kept"]) == 1
    status, printed = ask("list", "--json")
    (row,) = json.loads(printed.out)
    assert (row["name"], row["state"], row["model"]) == ("small", "done", told["model"])
    assert not row["resumable"]
    status, printed = ask("limoe", "-d", "d", "--name", "small", *TINY, "--seed", "3")
    assert status == 0 and "small: 2 steps" in printed.out and "recall@1" in printed.out


def test_a_training_can_be_left_to_the_worker(ask):
    status, printed = ask("limoe", "-d", "d", "--name", "later", *TINY, "--no-wait", "--json")
    assert status == 0 and json.loads(printed.out)["job"]["state"] == "queued"
    status, printed = ask("list")
    assert "later" in printed.out and "queued" in printed.out


def test_what_cannot_be_trained_is_status_two(ask):
    status, printed = ask("limoe", "-d", "d", "--name", "x", *TINY, "--heads", "3")
    assert status == 2 and "a multiple of 3 heads" in printed.err
    status, printed = ask("limoe", "-d", "nothing", "--name", "x", *TINY)
    assert status == 2 and "nothing" in printed.err


def test_every_parameter_of_the_recipe_is_an_option():
    words = ["train", "limoe", "--name", "x"]
    bare = build_parser().parse_args(words)
    for each in describe(Recipe):
        flag = "--" + each.name.replace("_", "-")
        value = [] if isinstance(each.default, bool) else [str(each.default)]
        found = build_parser().parse_args([*words, flag, *value])
        wanted = True if isinstance(each.default, bool) else each.default
        assert getattr(found, each.name) == wanted and not hasattr(bare, each.name)
