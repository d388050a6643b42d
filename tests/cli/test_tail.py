"""`workbench tail reference` on files."""

from __future__ import annotations

import json

import pytest

from workbench.cli import main

COUNTS = """benchmark,pretraining,method,concept,count
cifar10,cc3m,lemmatized,airplane,10
cifar10,cc3m,lemmatized,cat,1000
cifar10,cc3m,lemmatized,dog,100
"""
ACCURACY = """benchmark,prompts,backbone,pretrained,concept,accuracy
cifar10,class,RN50,cc3m,plane,20
cifar10,class,RN50,cc3m,cat,40
cifar10,class,RN50,cc3m,dog,30
cifar10,class,RN50,cc3m,frog,30
dtd,class,RN50,cc3m,dotted,30
"""


def reference(tmp_path, *more: str) -> int:
    (tmp_path / "counts.csv").write_text(COUNTS)
    (tmp_path / "accuracy.csv").write_text(ACCURACY)
    files = "--counts", str(tmp_path / "counts.csv"), "--accuracy", str(tmp_path / "accuracy.csv")
    return main(["tail", "reference", *files, *more])


def test_json_is_one_object_a_row_with_the_published_columns(tmp_path, capsys) -> None:
    assert reference(tmp_path, "--json") == 0
    out, err = capsys.readouterr()
    (row,) = json.loads(out)
    columns = "backbone pretraining method prompts n missing r_binned p r_raw"
    assert list(row) == columns.split()
    assert (row["backbone"], row["n"], row["missing"]) == ("RN50", 3, 1)
    assert row["r_raw"] == pytest.approx(1)
    assert "no counts for dtd" in err and "1 classes have no count" in err


def test_people_get_a_table(tmp_path, capsys) -> None:
    assert reference(tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["backbone", "pretraining", "method"]
    assert lines[1].split()[:4] == ["RN50", "cc3m", "lemmatized", "class"]


def test_a_missing_column_is_named_with_those_there(tmp_path, capsys) -> None:
    (tmp_path / "bad.csv").write_text(COUNTS.replace("pretraining", "corpus"))
    (tmp_path / "accuracy.csv").write_text(ACCURACY)
    words = "--counts", str(tmp_path / "bad.csv"), "--accuracy", str(tmp_path / "accuracy.csv")
    assert main(["tail", "reference", *words]) == 2
    err = capsys.readouterr().err
    assert "bad.csv" in err and "'pretraining' is missing" in err and "corpus" in err


def test_files_without_a_common_corpus_give_no_row_and_say_why(tmp_path, capsys) -> None:
    (tmp_path / "counts.csv").write_text(COUNTS.replace("cc3m", "mine"))
    (tmp_path / "accuracy.csv").write_text(ACCURACY)
    files = "--counts", str(tmp_path / "counts.csv"), "--accuracy", str(tmp_path / "accuracy.csv")
    assert main(["tail", "reference", *files]) == 0
    assert "no model in the accuracies was trained on" in capsys.readouterr().out
    assert main(["tail", "reference", *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
