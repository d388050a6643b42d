"""`workbench experts ablate`, in this process, on a LIMoE of random weights."""

from __future__ import annotations

import json

import pytest

from tests.worker import ablation_world as world
from tests.worker import routing_world
from workbench.api import Workbench, open_workspace
from workbench.cli import main
from workbench.worker import ablation_job
from workbench.worker.control import Control


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablate")
    bundle = routing_world.bundle(folder / "bundle")
    with open_workspace(folder / "space") as bench:
        models = world.fill(bench, folder / "images", bundle, 30)
    return folder / "space", models


@pytest.fixture
def ask(made, monkeypatch, capsys):
    root, models = made
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(root))
    monkeypatch.setattr(Workbench, "ensure_worker", lambda self: None)
    monkeypatch.setattr(Workbench, "wait_worker", lambda self: None)

    def wait(self, number, on_progress=None, timeout=None):
        job = self.workspace.jobs.claim("w")
        if job is not None:
            control = Control(job, self.workspace, "w", models=models)
            found = ablation_job.run(job, self.workspace, control)
            self.workspace.jobs.finish(job.id, "w", dict(found))
        return self.job(number)

    monkeypatch.setattr(Workbench, "wait", wait)

    def run(*words):
        capsys.readouterr()
        return main(["experts", "ablate", *words]), capsys.readouterr()

    return run


def test_figures_are_printed_as_json_and_as_a_table(ask, made, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # a narrow terminal cuts heads and cells
    words = ("d", "-m", "experts", "--off", "0.1", "3.2", "--controls", "1", "--every")
    status, printed = ask(*words, "--json")
    found = json.loads(printed.out)
    with open_workspace(made[0]) as bench:
        report = bench.ablation(found["key"])
    assert status == 0 and found["off"] == [[0, 1], [3, 2]] == [list(e) for e in report.off]
    assert found["after"]["text_shift"] == report.after.text_shift > 0
    assert found["before"]["image_shift"] == 0 and found["before"]["causal_index"] is None
    assert len(found["controls"]) == 1 and len(found["singles"]) == 12
    status, printed = ask(*words)
    assert status == 0 and "0.1, 3.2" in printed.out and "(random)" in printed.out
    assert "Every expert alone" in printed.out and f"ablation {report.key}" in printed.out


def test_what_is_not_an_expert_is_refused(ask):
    with pytest.raises(SystemExit):
        ask("d", "--off", "first")
    status, printed = ask("d", "--off", "1.0")
    assert status and "block 1 of experts has no experts" in printed.err
