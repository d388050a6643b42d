"""Fields find their roles; values become what a column can hold."""

from __future__ import annotations

import datetime
import decimal
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.importers.roles import (
    Roles,
    is_caption_name,
    is_label_name,
    kind_of,
    meta_value,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_names():
    captions = ["caption", "Captions", "text", "sentence", "caption_2", "caption3", "alt_text"]
    assert all(map(is_caption_name, captions))
    others = ["context", "caption_id", "texture", "title", "captioner", ""]
    assert not any(map(is_caption_name, others))
    assert is_label_name("Label")
    assert not is_label_name("labels")


def test_roles():
    raw = {"caption": "a", "captions": ["b", "a"], "class": 3, "category": "c", "x": None}
    fields = Roles().split(raw, first=["first"])
    assert fields.captions == ("first", "a", "b")
    assert (fields.label, fields.meta) == ("3", {"category": "c", "x": None})
    assert Roles(label="").split(raw).label is None
    assert Roles(label="category", captions=()).split(raw).meta["caption"] == "a"
    assert Roles(class_names=("p", "q", "r", "s")).split(raw).label == "s"
    assert Roles(class_names=("p",)).split(raw).label == "3"
    assert Roles(left_out=("class", "category")).split(raw).label is None


def test_a_caption_field_that_holds_no_text_is_kept_as_metadata():
    assert Roles().split({"text": 5, "caption": [1], "sentence": None}).meta == {
        "text": 5,
        "caption": "[1]",
    }


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (True, True),
        (2**63, str(2**63)),
        (-(2**63), -(2**63)),
        (math.nan, None),
        (math.inf, None),
        (decimal.Decimal("1.5"), 1.5),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (datetime.timedelta(seconds=5), "0:00:05"),
        (b"abc", "3 bytes"),
        (["a", "b"], ["a", "b"]),
        ([], []),
        ([1, "a"], '[1, "a"]'),
        ({"k": [1]}, '{"k": [1]}'),
        ("caf\udce9", "café"),
        ("\ud800", "?"),
    ],
)
def test_values(value, kept):
    assert meta_value(value) == kept
    assert type(meta_value(value)) is type(kept)


@given(JSON)
def test_any_json_becomes_something_storable(value):
    kept = meta_value(value)
    assert kept is None or isinstance(kept, bool | int | float | str | list)
    json.dumps(kept, ensure_ascii=False, allow_nan=False).encode("utf-8")
    assert kind_of([kept]) in ("text", "integer", "number", "boolean", "list")
    assert meta_value(kept) == kept


def test_kinds():
    assert kind_of([1, None, 2]) == "integer"
    assert kind_of([1, 2.5]) == "number"
    assert kind_of([True, 1]) == "text"
    assert kind_of([["a"], None]) == "list"
    assert kind_of([None]) == "text"
