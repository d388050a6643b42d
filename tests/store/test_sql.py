"""Filters as SQL select what a plain reading of the same filters selects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.sql import kind_of, literal, order, quote, where
from store.workspace import Workspace
from workbench.errors import InputError, UnknownName
from workbench.filters import Filter, parse

TEXTS = [
    "",
    "cat",
    "Cat",
    "ÄPFEL",
    "äpfel",
    "100%",
    "a_b",
    "a.b",
    "o'x",
    'say "x"',
    "\\",
    "🦉",
    None,
]
WHOLE = [0, 1, -1, 2, 7, 2**40, None]
NUMBERS = [0.0, -1.5, 2.0, 7.25, float("inf"), None]
FLAGS = [True, False, None]
LISTS = [["cat"], ["cat", "Dog"], ["ÄPFEL", "100%"], None]
ROWS = [
    {
        "label": TEXTS[n % len(TEXTS)],
        "whole": WHOLE[n * 3 % len(WHOLE)],
        "number": NUMBERS[n * 5 % len(NUMBERS)],
        "flag": FLAGS[n % len(FLAGS)],
        "tags": LISTS[n // 2 % len(LISTS)],
        'odd "name" ; drop': TEXTS[n * 7 % len(TEXTS)],
    }
    for n in range(60)
]
KINDS = {
    "label": "text",
    "whole": "integer",
    "number": "number",
    "flag": "boolean",
    "tags": "list",
    'odd "name" ; drop': "text",
}


def meets(row: dict[str, Any], one: Filter) -> bool:
    """The meaning of a filter, as its documentation says it."""
    value, wanted = row[one.column], one.value
    if one.op == "is null":
        return value is None
    if one.op == "not null":
        return value is not None
    if one.op == "!=":
        if wanted is None:
            return value is not None
        return wanted not in value if isinstance(value, list) else value != wanted
    if value is None:
        return one.op == "in" and None in wanted
    if isinstance(value, list):
        held = {
            "=": lambda: wanted in value,
            "has": lambda: wanted in value,
            "in": lambda: any(w in value for w in wanted),
            "contains": lambda: any(wanted.lower() in v.lower() for v in value),
        }
        return held[one.op]()
    compared = {
        "=": lambda: value == wanted,
        "<": lambda: value < wanted,
        "<=": lambda: value <= wanted,
        ">": lambda: value > wanted,
        ">=": lambda: value >= wanted,
        "in": lambda: value in wanted,
        "contains": lambda: wanted.lower() in value.lower(),
    }
    return bool(compared[one.op]())


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.open(tmp_path_factory.mktemp("sql") / "ws") as workspace:
        workspace.catalog.ensure_dataset("d", importer="x", source="y")
        table = pa.Table.from_pylist([{"item": f"i{n}", **row} for n, row in enumerate(ROWS)])
        workspace.tables.append("d", table)
        yield workspace


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    """A filter that is legal on its column, with values that occur and some that do not."""
    column = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[column]
    known = [
        v
        for row in ROWS
        for v in (row[column] if kind == "list" and row[column] else [row[column]])
    ]
    value = st.sampled_from([v for v in known if v is not None])
    if kind in ("text", "list"):
        value |= st.sampled_from(["at", "%", "_", ".", "'", '"', "\\", "zebra", "äPF", "?"])
    single = {
        "text": ["=", "!=", "<", "<=", ">", ">=", "contains"],
        "list": ["has", "=", "!=", "contains"],
        "boolean": ["=", "!="],
    }.get(kind, ["=", "!=", "<", "<=", ">", ">="])
    op = draw(st.sampled_from([*single, "in", "is null", "not null"]))
    if op in ("is null", "not null"):
        return Filter(column, op)
    if op == "in":
        return Filter(column, op, tuple(draw(st.lists(value | st.none(), max_size=3))))
    return Filter(column, op, draw(value))


@settings(max_examples=250, deadline=None)
@given(wanted=st.lists(filters(), max_size=3))
def test_sql_selects_what_the_plain_reading_selects(
    sampled: Workspace, wanted: list[Filter]
) -> None:
    expected = [n for n, row in enumerate(ROWS) if all(meets(row, one) for one in wanted)]
    assert sampled.tables.rows("d", tuple(wanted)).tolist() == expected
    assert sampled.tables.count("d", tuple(wanted)) == len(expected)


@settings(max_examples=60, deadline=None)
@given(
    sort=st.lists(
        st.tuples(
            st.sampled_from(["label", "whole", "number", "flag"]), st.sampled_from(["asc", "desc"])
        ),
        max_size=3,
        unique_by=lambda s: s[0],
    ),
    offset=st.integers(0, 70),
    limit=st.none() | st.integers(0, 70),
)
def test_sorting_is_stable_with_missing_values_last(
    sampled: Workspace, sort: list[Any], offset: int, limit: int | None
) -> None:
    expected = list(range(len(ROWS)))
    for column, direction in reversed(sort):  # stable sorts, least important first
        there = [n for n in expected if ROWS[n][column] is not None]
        there.sort(key=lambda n, c=column: ROWS[n][c], reverse=direction == "desc")
        expected = there + [n for n in expected if ROWS[n][column] is None]
    table = sampled.tables.items("d", sort=sort, offset=offset, limit=limit, columns=["row"])
    stop = None if limit is None else offset + limit
    assert table["row"].to_pylist() == expected[offset:stop]


@pytest.mark.parametrize(
    "text", ["whole=2", "number>1.9", "number=2", "flag=TRUE", "flag=no", "tags=cat", "tags~dog"]
)
def test_values_as_typed_are_converted_to_the_columns_kind(sampled: Workspace, text: str) -> None:
    one = parse(text)
    real = {"2": 2, "1.9": 1.9, "TRUE": True, "no": False}.get(one.value, one.value)
    expected = [n for n, row in enumerate(ROWS) if meets(row, Filter(one.column, one.op, real))]
    assert sampled.tables.rows("d", (one,)).tolist() == expected
    assert expected


def test_fractions_may_be_asked_of_whole_numbers(sampled: Workspace) -> None:
    rows = sampled.tables.rows("d", (parse("whole>1.5"),)).tolist()
    assert rows == [n for n, row in enumerate(ROWS) if (row["whole"] or 0) > 1.5]
    assert sampled.tables.count("d", (parse("whole=1.5"),)) == 0


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (Filter("whole", "=", "many"), "a whole number, got 'many'"),
        (Filter("whole", "=", True), "a whole number"),
        (Filter("whole", ">", 2**70), "a whole number"),
        (Filter("number", "<", "nan"), "a number"),
        (Filter("flag", "=", "perhaps"), "true or false, got 'perhaps'"),
        (Filter("flag", "<", True), "an operator that fits"),
        (Filter("label", "=", ["a"]), "a text"),
        (Filter("label", "has", "a"), "an operator that fits"),
        (Filter("whole", "contains", "1"), "an operator that fits"),
        (Filter("tags", "<", "a"), "on a list column"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(
    sampled: Workspace, one: Filter, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        sampled.tables.rows("d", (one,))


@pytest.mark.parametrize("name", ["labels", 'label" or 1=1 --', "", "row; drop table items"])
def test_an_unknown_column_is_named_with_near_misses(sampled: Workspace, name: str) -> None:
    with pytest.raises(UnknownName, match="unknown column"):
        sampled.tables.rows("d", (Filter(name, "=", "x"),))
    with pytest.raises(UnknownName, match="unknown column"):
        sampled.tables.items("d", sort=[(name, "asc")])
    with pytest.raises(UnknownName, match="unknown column"):
        sampled.tables.items("d", columns=[name])


def test_values_never_become_sql(sampled: Workspace) -> None:
    for evil in ("' or 1=1 --", "'; drop table items; --", '" or ""="', "?", "$1"):
        assert sampled.tables.count("d", (Filter("label", "=", evil),)) == 0
        assert sampled.tables.count("d", search=evil) == 0
        condition = where((Filter("label", "=", evil),), {"label": "text"})
        assert evil not in condition.sql or evil == "?"
        assert condition.values == (evil,)


def test_a_direction_is_one_of_two() -> None:
    with pytest.raises(InputError, match="'asc' or 'desc'"):
        order([("label", "down; drop")], {"label": "text"})


def test_quoting_doubles_quotes() -> None:
    assert quote('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("BIGINT", "integer"), ("INTEGER", "integer"), ("DOUBLE", "number"), ("BOOLEAN", "boolean"),
     ("VARCHAR", "text"), ("VARCHAR[]", "list")],
)  # fmt: skip
def test_kinds_of_types(text: str, kind: str) -> None:
    assert kind_of(text) == kind


SEARCHED = st.sampled_from([t for t in TEXTS if t]) | st.sampled_from(
    ["%", "_", "I1", "CAT", "zebra"]
)


@settings(max_examples=40, deadline=None)
@given(text=SEARCHED)
def test_search_looks_into_ids_and_text_columns(sampled: Workspace, text: str) -> None:
    def texts(n: int, row: dict[str, Any]) -> list[str]:
        return [f"i{n}", row["label"] or "", row['odd "name" ; drop'] or ""]

    expected = [
        n for n, row in enumerate(ROWS) if any(text.lower() in t.lower() for t in texts(n, row))
    ]
    assert sampled.tables.rows("d", search=text).tolist() == expected


def test_search_looks_into_captions(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.catalog.ensure_dataset("d", importer="x", source="y")
        captions = pa.table({"item_index": [2, 0, 2], "text": ["A red Owl", "100% wool", "owls"]})
        workspace.tables.append("d", pa.table({"item": ["a", "b", "c"]}), captions)
        assert workspace.tables.rows("d", search="OWL").tolist() == [2]
        assert workspace.tables.rows("d", search="0%").tolist() == [0]
        assert workspace.tables.rows("d", search="b").tolist() == [1]
        assert workspace.tables.caption_rows("d", search="owl").tolist() == [0, 2]
