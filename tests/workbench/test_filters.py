"""Filters as text, as JSON, and the errors of both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.filters import OPERATORS, Filter, from_json, parse, to_json

VALUES = st.one_of(st.text(), st.integers(-(10**9), 10**9), st.booleans())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("style=noto", Filter("style", "=", "noto")),
        ("style = noto | twemoji".replace(" | ", "|"), Filter("style", "in", ("noto", "twemoji"))),
        ("size>=96", Filter("size", ">=", "96")),
        ("name~red apple", Filter("name", "contains", "red apple")),
        ("label=", Filter("label", "is null")),
        ("label!=", Filter("label", "not null")),
        ("a!=b=c", Filter("a", "!=", "b=c")),
    ],
)
def test_conditions_as_typed(text: str, expected: Filter) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "style", "=noto", "<3"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="COLUMN=VALUE"):
        parse(text)


@given(st.lists(st.tuples(st.text(), st.sampled_from(OPERATORS), VALUES)))
def test_json_round_trip(entries: list[tuple[str, str, object]]) -> None:
    filters = tuple(Filter(c, op, [v, "x"] if op == "in" else v) for c, op, v in entries)
    assert from_json(to_json(filters)) == filters


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[1]", '[["a", "="]]', '[["a","like","b"]]'])
def test_bad_json_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        from_json(text)


def test_in_needs_a_list() -> None:
    with pytest.raises(InputError, match="a list of values"):
        Filter("a", "in", "abc")
