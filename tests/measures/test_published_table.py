from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import InputError, UnknownName
from workbench.measures.interval import Measure
from workbench.measures.published_standard import STANDARDS
from workbench.measures.published_table import difference, read

OWN = """name,pretrained,params (M),ImageNet 1k,Food-101
A,one,1.5,0.5,0.25
A,two,1.5,0.6,41
B,one,2.5,,abc
B/c,x,2.5,0.1,0.2
"""
REAL = Path(__file__).resolve().parents[3] / "shared/data/published"
REAL /= "openclip_classification_results.csv"


@pytest.fixture
def own(tmp_path):
    return read(written(tmp_path, OWN))


def written(folder, text):
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_rows_are_found_by_name_and_tag(own):
    assert own.columns == ("ImageNet 1k", "Food-101") and own.file == "table.csv"
    for wanted in ("A two", "A,two", "A, two", "A/two", " A  two "):
        row = own.row(wanted)
        assert (row.name, row.pretrained, row.line) == ("A", "two", 3)
    assert own.row("B").line == 4  # alone
    assert own.row("B/c").pretrained == own.row("B/c/x").pretrained == "x"
    with pytest.raises(UnknownName, match=r"A one, A two.*tag too"):
        own.row("A")
    with pytest.raises(UnknownName, match="A one"):
        own.row("A three")


def test_columns_are_found_as_people_write_them(own):
    assert own.column("imagenet1k") == own.column("ImageNet 1k") == "ImageNet 1k"
    assert own.column("FOOD101") == "Food-101"
    for wanted in ("imagenet", "params (M)", ""):
        with pytest.raises(UnknownName, match="ImageNet 1k"):
            own.column(wanted)


def test_accuracies_are_numbers_from_0_to_1(own):
    assert own.accuracy(own.row("A one"), "Food-101") == 0.25
    for row, column, said in (
        ("A two", "Food-101", "line 3, column 'Food-101'.*Divide percentages"),
        ("B one", "ImageNet 1k", "line 4.*nothing"),
        ("B one", "Food-101", "abc"),
    ):
        with pytest.raises(InputError, match=said):
            own.accuracy(own.row(row), column)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model,pretrained,X\n", "a column 'name'"),
        ("name,tag,X\n", "a column 'pretrained'"),
        ("", "an empty file"),
        ("name,pretrained,params (M)\n", "a column of a dataset"),
        ("name,pretrained,X,X\n", "'X' twice"),
        ("name,pretrained,X\na,b\n", "line 2: expected 3 fields, got 2"),
        (b"name,pretrained,\xff\n", "UTF-8"),
        ('name,pretrained,X\n"a,b,0.1\n', "CSV"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read(written(tmp_path, text))


def test_a_missing_file_is_refused_and_blank_lines_are_not(tmp_path):
    with pytest.raises(InputError, match="nothing"):
        read(tmp_path / "nothing.csv")
    marked = "\ufeff" + OWN.replace("\n", "\r\n") + "\r\n\r\n"
    assert len(read(written(tmp_path, marked)).rows) == 4
    double = read(written(tmp_path, OWN + "A,one,1,0.1,0.1\n"))
    with pytest.raises(InputError, match="lines 2 and 6"):
        double.row("A one")


def test_a_difference_keeps_the_width_of_the_interval():
    found = difference(Measure(0.7, 0.6, 0.75, 9), 0.65)
    assert (found.value, found.low, found.high) == pytest.approx((0.05, -0.05, 0.1))
    assert found.n == 9


@pytest.mark.skipif(not REAL.is_file(), reason=f"no {REAL.name} beside the project")
def test_the_published_table_is_read_whole():
    table = read(REAL)
    assert len(table.rows) == 121 and set(table.columns) == set(STANDARDS)
    row = table.row("ViT-B-32 openai")
    assert table.accuracy(row, table.column("ImageNet 1k")) == 0.6332
    assert table.accuracy(table.row("ViT-L-14,datacomp_xl_s13b_b90k"), "ImageNet 1k") == 0.7921
    for row in table.rows:
        values = [table.accuracy(row, column) for column in table.columns]
        average = float(row.cells["Average perf. on 35 datasets"])
        assert sum(values) / len(values) == pytest.approx(average, abs=1e-4)
