"""A run of the small world held against a table written by hand."""

from __future__ import annotations

import pytest

from tests.api.zero_shot_world import evaluate, fill
from workbench.api import open_workspace
from workbench.errors import InputError, UnknownName
from workbench.filters import parse

TABLE = "name,pretrained,pets,Caltech-101,odd\ntoy,random:0,0.7,0.2,\nbig,tag,0.1,0.2,0.3\n"


@pytest.fixture
def pets(tmp_path):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        (tmp_path / "table.csv").write_text(TABLE)
        yield bench


def test_the_own_model_and_dataset_are_found(pets, tmp_path):
    key = evaluate(pets)
    held = pets.hold_against(key, tmp_path / "table.csv")
    top1 = pets.zero_shot_run(key).measures["top1"]
    assert (held.name, held.pretrained, held.column) == ("toy", "random:0", "pets")
    assert (held.published, held.measure, held.measured) == (0.7, "top1", top1)
    assert held.difference.value == pytest.approx(5 / 7 - 0.7) and held.difference.n == 7
    assert held.difference.low == pytest.approx(top1.low - 0.7) and held.agrees
    (sentence,) = held.warnings  # weights and preprocessing are the same
    assert "'pets' are made is not known" in sentence


def test_another_row_and_column_warn(pets, tmp_path):
    key = evaluate(pets, head="similarity", where=(parse("style=photo"),))
    held = pets.hold_against(key, tmp_path / "table.csv", "big tag", "caltech 101")
    assert (held.measure, held.measured.value, held.agrees) == ("mean_per_class", 1.0, False)
    said = " ".join(held.warnings)
    for words in (
        "toy random:0 here and big tag there",
        "preprocessing of tag is not known",
        "Mean of similarities",
        "3 classes",
        "4 images (conditions were set)",
    ):
        assert words in said, words


def test_what_is_not_there_is_refused(pets, tmp_path):
    key = evaluate(pets)
    table = tmp_path / "table.csv"
    with pytest.raises(UnknownName, match="toy random:0"):
        pets.hold_against(key, table, "toys random:0")
    with pytest.raises(UnknownName, match="Caltech-101"):
        pets.hold_against(key, table, column="caltech")
    with pytest.raises(InputError, match="column 'odd'"):
        pets.hold_against(key, table, column="odd")
    table.write_text("name,pets\ntoy,0.5\n")
    with pytest.raises(InputError, match="'pretrained'"):
        pets.hold_against(key, table)


def test_the_names_in_a_table(pets, tmp_path):
    rows, columns = pets.published_names(tmp_path / "table.csv")
    assert rows == ("toy random:0", "big tag") and columns == ("pets", "Caltech-101", "odd")
    with pytest.raises(InputError, match="UTF-8"):
        pets.published_names(tmp_path / "no.csv")
