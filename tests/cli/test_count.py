"""`workbench count`, with the job done in this process."""

from __future__ import annotations

import json

import pytest

from tests.api.zero_shot_world import Control, Encoder, fill
from workbench.api import Workbench, open_workspace
from workbench.cli import main
from workbench.worker import count_job

LINES = "a cat and a dog\na kitten\n\nTwo CATS\nA cat\nnothing\n"
CLASSES = "cat | kitten\ndog\nhorse\n"


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """Run the command; its status and what it printed."""
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
    (tmp_path / "web.txt").write_text(LINES, "utf-8")
    (tmp_path / "classes.txt").write_text(CLASSES, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(tmp_path / "space"))
    monkeypatch.setattr(Workbench, "ensure_worker", lambda self: None)
    monkeypatch.setattr(Workbench, "wait_worker", lambda self: None)

    def wait(self, number, on_progress=None, timeout=None):
        job = self.workspace.jobs.claim("test")
        if job is not None:
            result = count_job.run(job, self.workspace, Control(Encoder()))
            self.workspace.jobs.finish(job.id, "test", result)
        return self.job(number)

    monkeypatch.setattr(Workbench, "wait", wait)

    def run(*words):
        capsys.readouterr()
        status = main(["count", *words])
        return status, capsys.readouterr()

    return run


def counted(printed) -> dict[str, int]:
    return {each["name"]: each["captions"] for each in json.loads(printed.out)["concepts"]}


def test_files_are_counted_and_every_name_is_told(ask):
    status, printed = ask("web.txt", "--classes", "classes.txt", "--json")
    found = json.loads(printed.out)
    assert status == 0 and counted(printed) == {"cat": 3, "dog": 1, "horse": 0}
    assert (found["captions"], found["matched"], found["empty"]) == (6, 3, 1)
    assert (found["corpus"], found["rule"], found["synonyms"]) == ("web", "words", True)
    assert found["concepts"][0]["terms"] == [
        {"term": "cat", "captions": 2, "alone": 1},
        {"term": "kitten", "captions": 1, "alone": 1},
    ]


def test_rule_options_and_synonyms_change_what_is_counted(ask):
    files = ("web.txt", "--classes", "classes.txt", "--json")
    assert counted(ask(*files, "--no-synonyms")[1])["cat"] == 2
    assert counted(ask(*files, "--rule", "lemmas")[1])["cat"] == 4
    assert counted(ask(*files, "--rule", "substring")[1])["cat"] == 3
    status, printed = ask(*files, "--rule", "substring", "-o", "lower=true")
    assert status == 0 and json.loads(printed.out)["rule"] == "substring+lower"


def test_the_same_files_are_one_corpus_and_other_files_another(ask, tmp_path):
    for path in ("web.txt", "web.txt", str(tmp_path / "web.txt")):
        assert ask(path, "--classes", "classes.txt")[0] == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "web.txt").write_text("a dog\n", "utf-8")
    found = json.loads(ask("other/web.txt", "--classes", "classes.txt", "--json")[1].out)
    assert found["corpus"] == "web-2" and found["captions"] == 1
    status, printed = ask("--json")
    listed = json.loads(printed.out)
    assert status == 0
    assert [each["name"] for each in listed["corpora"] if each["kind"] == "files"] == [
        "web",
        "web-2",
    ]
    assert [each["corpus"] for each in listed["counts"]] == ["web-2", "web"]


def test_people_get_the_most_frequent_and_how_many_more(ask):
    status, printed = ask("web.txt", "--classes", "classes.txt", "--top", "1")
    assert status == 0
    assert "3 of 6 captions name one of 3 concepts; named nowhere: 1" in printed.out
    assert "and 2 rarer ones" in printed.out and "dog" not in printed.out


def test_lines_that_cannot_be_read_are_named(ask, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"caption": "a cat"}\n{"caption": "a do\n', "utf-8")
    status, printed = ask("bad.jsonl", "--classes", "classes.txt", "--json")
    assert status == 0 and counted(printed)["cat"] == 1
    assert "bad.jsonl, line 2" in printed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pretrian",), "files, or one of"),
        (("nowhere.txt",), "nowhere.txt"),
        (("web.txt", "--classes", "nothing"), "nothing"),
        (("web.txt", "-o", "lower"), "NAME=VALUE"),
        (("web.txt", "-o", "upper=true"), "upper"),
        (("web.txt", "--name", "pets"), "pets"),
    ],
)
def test_what_cannot_be_counted_is_refused(ask, words, said):
    status, printed = ask(*words)
    assert status == 2 and said in printed.err and not printed.out


def test_a_column_is_for_files(ask, tmp_path):
    (tmp_path / "two.csv").write_text("a,b\na cat,a dog\n", "utf-8")
    status, printed = ask("two.csv", "--column", "b", "--classes", "classes.txt", "--json")
    assert status == 0 and counted(printed) == {"cat": 0, "dog": 1, "horse": 0}
    status, printed = ask("two", "--column", "b")
    assert status == 2 and "--column" in printed.err
