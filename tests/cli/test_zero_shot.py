"""`workbench evaluate zero-shot`, with the job done in this process."""

from __future__ import annotations

import json

import pytest

from tests.api.zero_shot_world import Control, Encoder, fill
from workbench.api import Workbench, open_workspace
from workbench.cli import main
from workbench.worker import zero_shot_job


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(tmp_path / "space"))
    monkeypatch.setattr(Workbench, "ensure_worker", lambda self: None)
    monkeypatch.setattr(Workbench, "wait_worker", lambda self: None)

    def wait(self, number, on_progress=None, timeout=None):
        job = self.workspace.jobs.claim("test")
        if job is not None:
            result = zero_shot_job.run(job, self.workspace, Control(Encoder()))
            self.workspace.jobs.finish(job.id, "test", result)
        return self.job(number)

    monkeypatch.setattr(Workbench, "wait", wait)

    def run(*words):
        capsys.readouterr()
        status = main(["evaluate", "zero-shot", "-d", "pets", "-m", "toy", *words])
        return status, capsys.readouterr()

    return run


def test_json_holds_the_figures_of_the_notebook(ask, tmp_path):
    status, printed = ask("--head", "mean", "--json")
    found = json.loads(printed.out)
    assert status == 0 and found["n"] == 7 and found["top1"] == pytest.approx(5 / 7)
    with open_workspace(tmp_path / "space") as bench:
        run = bench.zero_shot_run(found["run"])
    for name in ("top1", "top5", "mean_per_class"):
        measure = run.measures[name]
        assert found[name] == measure.value
        assert found["intervals"][name] == [measure.low, measure.high]


def test_text_lists_measures_groups_and_mistakes(ask):
    status, printed = ask("--failures", "5", "--group", "style")
    assert status == 0
    assert "mean_per_class" in printed.out and "photo" in printed.out
    assert "2 of 8 images are mistaken" in printed.out


def test_classes_and_prompts_from_files(ask, tmp_path):
    classes = tmp_path / "classes.txt"
    classes.write_text("cat\ndog => hound\n")
    prompts = tmp_path / "prompts.json"
    prompts.write_text('{"cat": ["A cat."], "hound": ["A hound."]}')
    out = tmp_path / "result.json"
    given = ("--classes", str(classes), "--prompts", str(prompts), "--clip-benchmark", str(out))
    status, printed = ask(*given, "--json")
    found = json.loads(printed.out)
    assert status == 0 and found["classes"] == 2 and found["prompts"] == "sentences"
    metrics = json.loads(out.read_text())
    assert metrics["task"] == "zeroshot_classification"
    assert metrics["metrics"]["acc1"] == found["top1"]


def test_options_reach_the_head(ask):
    status, printed = ask("--head", "similarity", "--option", "combine=sum", "--json")
    assert status == 0 and json.loads(printed.out)["options"] == {"combine": "sum"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--head", "nothing"), "autoclip"),
        (("--option", "beta"), "NAME=VALUE"),
        (("--option", "beta=1"), "no parameter"),
        (("--label", "colour"), "style"),
        (("--prompts", "nothing"), "nothing"),
        (("--match", "x"), "--where"),
    ],
)
def test_what_cannot_be_asked_is_refused(ask, words, said):
    status, printed = ask(*words)
    assert status == 2 and said in printed.err


def test_a_report_is_written_beside_the_answer(ask, tmp_path):
    path = tmp_path / "report.html"
    status, printed = ask("--html", str(path), "--json")
    found = json.loads(printed.out)
    assert status == 0 and found["report"] == str(path)
    assert found["run"].encode() in path.read_bytes()


def test_a_published_figure_is_held_against_the_run(ask, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("name,pretrained,X\ntoy,random:0,0.5\nbig,tag,0.9\n")
    given = ("--published", str(table), "--published-column", "x")
    status, printed = ask(*given, "--json")
    found = json.loads(printed.out)["published"]
    assert status == 0 and found["published"] == 0.5 and found["name"] == "toy"
    assert found["difference"]["value"] == pytest.approx(5 / 7 - 0.5)
    status, printed = ask(*given, "--published-row", "big")
    assert "Published for big tag on X: 90.00%" in printed.out and "-18.57 points" in printed.out
    assert "Warning: The weights are toy random:0 here and big tag there." in printed.out
    status, printed = ask("--published-row", "big")
    assert status == 2 and "--published FILE" in printed.err
