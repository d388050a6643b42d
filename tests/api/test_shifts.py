"""Runs of the small world under a shift of style, and what two runs say of the same images."""

from __future__ import annotations

import math

import pytest

from tests.api.zero_shot_world import evaluate, fill
from workbench.api import open_workspace
from workbench.errors import InputError, UnknownName
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet

NAMES = ("cat", "dog", "fox")


@pytest.fixture
def pets(tmp_path):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        yield bench


def test_a_single_run_has_accuracies_and_no_line(pets):
    evaluate(pets)
    found = pets.shifts("pets", "style")
    assert (found.standard, found.shifts, found.fits) == ("photo", ("line",), {"line": None})
    (row,) = found.rows
    assert (row.standard, row.standard_n, row.n) == (1.0, 4, 3)
    assert row.shifted == pytest.approx(1 / 3) and row.low < 1 / 3 < row.high
    assert math.isnan(row.expected) and math.isnan(row.effective)


def test_the_line_comes_from_the_other_runs(pets, monkeypatch):
    """Four runs with invented accuracies on logit(y) = logit(x) - 1 but the last, by hand."""
    for text in ("{}", "a {}", "one {}", "some {}"):
        evaluate(pets, prompts=PromptSet(templates=(text,)))
    runs = pets.zero_shot_runs("pets")

    def under(x: float) -> float:
        return 1 / (1 + math.exp(-(math.log(x / (1 - x)) - 1)))

    accuracies = [(0.5, under(0.5)), (0.6, under(0.6)), (0.8, under(0.8)), (0.7, 0.9)]
    planted = []
    for run, (before, after) in zip(runs, accuracies, strict=True):
        rows = tuple(
            {"value": value, "top1": top1, "low": 0.0, "high": 1.0, "n": 10}
            for value, top1 in (("photo", before), ("line", after))
        )
        planted.append(run.__class__(**{**run.__dict__, "groups": {"style": rows}}))
    monkeypatch.setattr(pets, "zero_shot_runs", lambda dataset=None: tuple(planted))
    rows = {row.run.key: row for row in pets.shifts("pets", "style", "photo").rows}
    odd = rows[runs[3].key]
    assert odd.expected == pytest.approx(under(0.7))
    assert odd.effective == pytest.approx(0.9 - under(0.7))
    assert pets.shifts("pets", "style", "line").shifts == ("photo",)


def test_an_unknown_column_or_value_is_named(pets):
    evaluate(pets)
    with pytest.raises(UnknownName, match="colour"):
        pets.shifts("pets", "colour")
    with pytest.raises(UnknownName, match="oil"):
        pets.shifts("pets", "style", "oil")


def test_disagreement_by_hand(pets):
    first = evaluate(pets)
    # the names of cat and dog are exchanged, so each says what the other said
    second = evaluate(pets, prompts=PromptSet(templates=("{}",)))
    assert first != second
    found = pets.disagreement(first, second)
    assert found.n == 8 and found.names == NAMES and found.agreement == 1
    cells = {(r["first"], r["second"]): r for r in found.cells.to_pylist()}
    assert {pair: cell["n"] for pair, cell in cells.items()} == {(0, 0): 3, (1, 1): 4, (2, 2): 1}
    # of the dogs d and e are right, c is a cat and g has no label
    assert cells[(1, 1)]["first_right"] == cells[(1, 1)]["second_right"] == 2
    assert pets.answered(first, second, 1, 1) == (2, 3, 4, 6)
    assert pets.answered(first, second, 0, 1) == ()


def test_two_runs_that_differ(pets):
    first = evaluate(pets)
    hound = PromptSet(
        kind="sentences", by_class={"cat": ("hound",), "dog": ("dog",), "fox": ("fox",)}
    )
    second = evaluate(pets, prompts=hound)
    found = pets.disagreement(first, second)
    said = [pets.prediction_of(key, row).predicted for row in range(8) for key in (first, second)]
    pairs = list(zip(said[::2], said[1::2], strict=True))
    assert {(r["first"], r["second"]): r["n"] for r in found.cells.to_pylist()} == {
        pair: pairs.count(pair) for pair in set(pairs)
    }
    assert (
        found.agreement == pytest.approx(sum(a == b for a, b in pairs) / 8) and found.agreement < 1
    )


def test_runs_with_other_classes_are_refused(pets):
    first = evaluate(pets)
    second = evaluate(pets, classes=ClassSet(("cat", "dog")))
    with pytest.raises(InputError, match="same classes"):
        pets.disagreement(first, second)
