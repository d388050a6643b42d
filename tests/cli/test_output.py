"""What commands print."""

from __future__ import annotations

import datetime
import json
from argparse import Namespace

import numpy as np
import pytest

from workbench.cli.output import clean, human_bytes, human_time, jsonable, show, table
from workbench.filters import Filter


def test_json_holds_dataclasses_numpy_and_no_nan():
    value = {
        1: Filter("a", "=", np.int64(3)),
        "nan": [float("nan"), float("inf"), np.float32(0.5)],
        "when": datetime.date(2024, 2, 3),
        "bytes": b"abc",
    }
    assert jsonable(value) == {
        "1": {"column": "a", "op": "=", "value": 3},
        "nan": [None, None, 0.5],
        "when": "2024-02-03",
        "bytes": "<3 bytes>",
    }


def test_json_output_is_parseable_and_keeps_other_scripts(capsys):
    show(Namespace(json=True), {"name": "яблоко", "x": float("nan")}, "unused")
    assert json.loads(capsys.readouterr().out) == {"name": "яблоко", "x": None}


def test_a_caption_cannot_steer_the_terminal():
    assert clean("red\x1b[31m\nnext\tcell") == "red [31m next cell"


def test_a_table_is_aligned_and_cut_to_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    lines = table(
        [{"name": "a", "text": "x" * 100, "n": 1.5}, {"name": "bbb", "text": None, "n": [1, 2]}],
        ["name", "text", "n"],
    ).splitlines()
    assert lines[0].startswith("name  text")
    assert max(map(len, lines)) <= 30
    assert lines[1].endswith("1.5")
    assert lines[2].endswith("1, 2")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 40, "3.0 TiB")]
)
def test_bytes_have_a_unit(count, text):
    assert human_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_times_are_readable(seconds, text):
    assert human_time(seconds) == text
