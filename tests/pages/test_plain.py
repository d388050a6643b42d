"""Text of unknown origin stays literal; numbers read well."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt

from pages.shared import amounts, errors, export, filters
from pages.shared.plain import plain, short
from tests.pages.small_world import NASTY
from workbench.errors import InputError
from workbench.filters import Filter
from workbench.types import JobInfo


@pytest.mark.parametrize("text", [*NASTY, "1. one", "- item", "a|b", "http://x.y", "\\", "a\n# b"])
def test_escaped_text_has_no_markdown_left(text: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    (_, inline, _) = tokens.parse(plain(text))
    assert {token.type for token in inline.children} <= {"text", "text_special"}
    shown = "".join(token.content for token in inline.children).replace("\u2060", "")
    assert shown == " ".join(text.split())


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert short("a" * 80, 10) == "a" * 9 + "…"
    assert short("a  b\nc") == "a b c"


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2_340_000, "2.34 MB"), (7e9, "7.0 GB")],
)
def test_sizes(number: float, words: str) -> None:
    assert amounts.size(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (59, "59 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert amounts.duration(seconds) == words


def test_rates_and_nouns() -> None:
    assert amounts.rate(212.4, "images") == "212 images/s"
    assert amounts.rate(3.26, "images") == "3.3 images/s"
    assert amounts.rate(0.2, "images") == "12.0 images/min"
    assert amounts.noun(1, "image") == "1 image"
    assert amounts.noun(2000, "image") == "2,000 images"


def test_progress_of_a_running_job() -> None:
    job = JobInfo(
        1, "embed", "Embed", {}, "running", 0, 1234, 5000, "images", 200.0, "cpu", "", "", {},
        False, 1, 0.0, 0.0, None, None, "w", "",
    )  # fmt: skip
    assert amounts.progress_words(job) == "1,234 of 5,000 images · 200 images/s · 19 s left"
    assert amounts.progress_words(replace(job, total=0, rate=0.0)) == "1,234 images"
    assert amounts.progress_words(replace(job, done=0, total=0, rate=0.0)) == ""


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Filter("style", "in", ("a", "b")), "style: a, b"),
        (Filter("size", ">=", 0.25), "size ≥ 0.25"),
        (Filter("tags", "has", "x"), "tags has x"),
        (Filter("tags", "is null"), "tags missing"),
        (Filter("on", "=", True), "on: True"),
    ],
)
def test_filters_in_words(condition: Filter, words: str) -> None:
    assert filters.words(condition) == words


def test_csv_keeps_every_value_and_the_union_of_columns() -> None:
    rows = [{"a": 1, "b": 'x,\n"y"'}, {"a": None, "c": ["p", "ü"]}]
    read = list(csv.DictReader(io.StringIO(export.csv_bytes(rows).decode())))
    assert read == [{"a": "1", "b": 'x,\n"y"', "c": ""}, {"a": "", "b": "", "c": '["p", "ü"]'}]
    assert export.csv_bytes([]) == b"\r\n"


def test_parquet_of_a_table_and_of_rows() -> None:
    table = pa.table({"a": [1, 2], "b": [["x"], None]})
    assert pq.read_table(io.BytesIO(export.parquet_bytes(table))).equals(table)
    rows = table.to_pylist()
    assert pq.read_table(io.BytesIO(export.parquet_bytes(rows))).to_pylist() == rows


def test_the_page_of_a_figure_carries_its_numbers_and_escapes_them() -> None:
    import plotly.graph_objects as go

    figure = go.Figure(go.Bar(x=[1], y=[2]))
    page = export.figure_page(figure, "<b>t</b>", [{"label": "<script>x</script>", "n": 3}])
    text = page.decode()
    assert "&lt;script&gt;x&lt;/script&gt;" in text and "<script>x</script>" not in text
    assert "<h1>&lt;b&gt;t&lt;/b&gt;</h1>" in text and "<td>3</td>" in text
    assert 'src="http' not in text


def test_an_unexpected_error_is_reported_with_its_place_and_our_own_in_parts() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        text = errors.report(error)
    assert "Workbench" in text and "Streamlit" in text and "ValueError: boom" in text
    assert "test_an_unexpected_error" in text


def test_errors_show_their_four_parts(bench, visit, monkeypatch) -> None:
    from workbench.api import Workbench

    def broken(self: Workbench) -> None:
        raise InputError("the *thing*", expected="<b>x</b>", got="y", do="Do that.")

    monkeypatch.setattr(Workbench, "datasets", broken)
    app = visit()
    (box,) = app.error
    assert "**The \\*thing\\***" in box.value and "Expected" in box.value and "Do that" in box.value


def test_an_unexpected_error_of_a_page_leaves_the_frame_standing(bench, visit, monkeypatch) -> None:
    from workbench.api import Workbench

    def broken(self: Workbench) -> None:
        raise ZeroDivisionError("<script>1</script>")

    monkeypatch.setattr(Workbench, "datasets", broken)
    app = visit()
    assert "ZeroDivisionError" in app.error[0].value and not app.exception
    assert "ZeroDivisionError" in app.code[0].value
