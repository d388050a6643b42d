"""CSV cells get the kind that their whole column allows."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.importers.csv_rows import CsvRows
from workbench.importers.rows import BadRow, unique_names


def rows(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(CsvRows(path).rows())


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "-2", ""], [1, -2, None]),
        (["1", "2.5", "1e3"], [1.0, 2.5, 1000.0]),
        (["true", "FALSE", ""], [True, False, None]),
        (["007", "1", "2"], ["007", "1", "2"]),
        (["1", "x", "2"], ["1", "x", "2"]),
        (["0.5", "-.5", "+3."], [0.5, -0.5, 3.0]),
        (["1_000", "2", "3"], ["1_000", "2", "3"]),
        (["99999999999999999999", "1", "2"], [1e20, 1.0, 2.0]),
        (["inf", "1", "2"], ["inf", "1", "2"]),
        (["", "", ""], [None, None, None]),
    ],
)
def test_kinds(tmp_path, cells, values):
    text = "a,b\n" + "".join(f"x,{cell}\n" for cell in cells)
    assert [row["b"] for row in rows(tmp_path, text)] == values


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    text = delimiter.join(["path", "caption", "n"]) + "\n" + delimiter.join(["a.jpg", "x", "1"])
    assert rows(tmp_path, text) == [{"path": "a.jpg", "caption": "x", "n": 1}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path, encoding):
    assert rows(tmp_path, "náme,n\nü,1\n".encode(encoding)) == [{"náme": "ü", "n": 1}]


def test_quotes_newlines_and_long_cells(tmp_path):
    long = "x" * 300_000
    found = rows(tmp_path, f'a,b\n"one, ""two""\nthree",{long}\n')
    assert found == [{"a": 'one, "two"\nthree', "b": long}]


def test_short_and_long_rows(tmp_path):
    first, second, third = rows(tmp_path, "a,b\n1\n1,2,3\n\n4,5\n")
    assert first == {"a": 1, "b": None}
    assert second == BadRow("1", "3 cells, but there are 2 columns")
    assert third == {"a": 4, "b": 5}


def test_a_file_without_a_header_is_refused(tmp_path):
    with pytest.raises(InputError, match="header"):
        rows(tmp_path, "")


def test_bytes_that_are_no_utf8_survive(tmp_path):
    (row,) = rows(tmp_path, b"path,n\ncaf\xe9.jpg,1\n")
    assert row["path"].encode("utf-8", "surrogateescape") == b"caf\xe9.jpg"


def test_names_are_made_unique():
    assert unique_names(["a", "", "a", " b ", "a"]) == ("a", "column_2", "a_", "b", "a__")


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12))
def test_what_python_writes_is_read_back(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([["k", "x", "y"], *table])
    path.write_text(buffer.getvalue(), "utf-8", newline="")
    found = list(CsvRows(path).rows())
    assert len(found) == len(table)
    for row, cells in zip(found, table, strict=True):
        for value, cell in zip(row.values(), cells, strict=True):
            if isinstance(value, str):
                assert value == cell
            elif value is None:
                assert cell == "" or value is None
            else:
                assert float(value) == float({"true": 1, "false": 0}.get(cell.lower(), cell))
