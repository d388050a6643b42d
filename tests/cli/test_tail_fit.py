"""`workbench tail sources`, `fit` and `export` on a small world whose counts are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.pages import longtail_world, small_world
from workbench.api import open_workspace
from workbench.cli import main


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("tail")
    with small_world.build(root / "space") as bench:
        world = longtail_world.build(bench, root / "files")
    return root / "space", world


@pytest.fixture
def ask(made, monkeypatch, capsys):
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(made[0]))

    def run(*words):
        capsys.readouterr()
        status = main(["tail", *map(str, words)])
        return status, capsys.readouterr()

    return run


def test_sources_give_the_keys_that_fit_takes(ask, made):
    status, printed = ask("sources", "--json")
    found = json.loads(printed.out)
    assert status == 0
    assert f"run:{made[1].run}" in [each["key"] for each in found["accuracy"]]
    assert f"count:{made[1].count}" in [each["key"] for each in found["frequency"]]
    for kind in ("accuracy", "frequency"):
        assert {each["kind"] for each in found[kind]} >= {"published"}


def test_fit_is_the_line_that_numpy_draws(ask, made):
    world = made[1]
    status, printed = ask("fit", "--run", world.run, "--count", world.count, "--json")
    found = json.loads(printed.out)
    with open_workspace(made[0]) as bench:
        accuracy = dict(zip(*_columns(bench.run_classes(world.run)), strict=True))
    counts = {name: n for name, n in longtail_world.COUNTS.items() if n}
    x, y = np.log10(list(counts.values())), 100 * np.array([accuracy[name] for name in counts])
    assert status == 0
    assert found["per_class"]["slope"]["value"] == pytest.approx(np.polyfit(x, y, 1)[0])
    assert found["per_class"]["r"]["value"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert (found["per_class"]["n"], found["per_class"]["zeros"]) == (11, 1)
    assert found["binned"]["over"] == "bins" and sum(b["classes"] for b in found["bins"]) == 11
    assert "1 classes with a count of 0" in printed.err


def _columns(table):
    return table["name"].to_pylist(), table["accuracy"].to_pylist()


def test_cuts_by_count_are_taken(ask, made):
    world = made[1]
    words = ("--run", f"run:{world.run}", "--count", f"count:{world.count}", "--by", "count")
    _, printed = ask("fit", *words, "--low", 10, "--high", 100, "--json")
    found = json.loads(printed.out)["tails"]
    assert [found[part]["n"] for part in ("tail", "middle", "head")] == [4, 4, 4]


def test_people_read_both_lines_and_why_they_differ(ask, made):
    status, printed = ask("fit", "--run", made[1].run, "--count", made[1].count)
    assert status == 0
    for words in (
        "class ",
        "bin ",
        "slope",
        "head",
        "tail below",
        "averaged",
        "times the captions",
    ):
        assert words in printed.out, words


def test_published_sources_and_renames(ask, made):
    accuracy = f"published:{made[1].accuracies}:cc3m:RN50:cupl:cifar100"
    frequency = f"published:{made[1].counts}:cc3m:lemmatized:cifar100"
    words = ("fit", "--accuracy", accuracy, "--frequency", frequency)
    _, printed = ask(*words, "--json")
    found = json.loads(printed.out)
    assert (found["per_class"]["n"], list(found["unmatched"])) == (19, ["c3"])
    assert "no count for c3" in printed.err
    _, printed = ask(*words, "--rename", "c3=c2", "--json")
    assert json.loads(printed.out)["per_class"]["n"] == 20
    status, printed = ask(*words, "--rename", "c3")
    assert status == 2 and "CLASS=COUNTED" in printed.err


def test_an_unknown_key_is_refused_with_those_there(ask, made):
    status, printed = ask("fit", "--run", made[1].run, "--count", "nothing")
    assert status == 2 and made[1].count in printed.err


def test_export_writes_the_rarest_classes_once(ask, made, tmp_path):
    folder, world = tmp_path / "rare", made[1]
    words = ("export", "--run", world.run, "--count", world.count, "--folder", folder, "-k", 3)
    status, printed = ask(*words, "--json")
    found = json.loads(printed.out)
    rarest = sorted(longtail_world.COUNTS, key=longtail_world.COUNTS.__getitem__)[:3]
    assert status == 0 and found["images"] == 3 * small_world.EACH and found["empty"] == []
    assert (folder / "classes.txt").read_text().split("\n")[:3] == rarest
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [each["count"] for each in manifest["classes"]] == [0, 2, 5]
    assert len([p for p in Path(folder / "images").rglob("*") if p.is_file()]) == found["images"]
    status, printed = ask(*words)
    assert status == 2 and "nothing is overwritten" in printed.err
