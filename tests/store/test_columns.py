"""What becomes of a source's columns when they are stored."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.columns import (
    FIXED,
    RESERVED,
    agree_on_lists,
    captions_table,
    drop_items,
    free_names,
    items_table,
)
from workbench.errors import InputError


def stored(**columns: Any) -> pa.Table:
    return items_table(pa.table(columns))


@given(st.lists(st.text(max_size=8) | st.sampled_from(RESERVED)))
def test_free_names_are_distinct_ignoring_case_and_never_reserved(names: list[str]) -> None:
    free = [name.lower() for name in free_names(names)]
    assert len(free) == len(names) == len(set(free))
    assert not set(free) & set(RESERVED)
    assert all(name.strip() and "\0" not in name for name in free)


def test_names_that_are_free_stay() -> None:
    assert free_names(["style", "Größe", "a b"]) == ["style", "Größe", "a b"]
    assert free_names(["row", "Label", "size", "Size", "", " "]) == [
        "row_",
        "Label_",
        "size",
        "Size_",
        "unnamed",
        "unnamed_",
    ]


def test_every_fixed_column_is_there_in_its_type() -> None:
    table = stored(item=["a"], width=pa.array([3], pa.int64()))
    assert [(f.name, f.type) for f in table.schema] == list(FIXED)
    assert table["width"].to_pylist() == [3]
    assert table["uri"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pa.array([1, 2], pa.int8()), pa.int64(), [1, 2]),
        (pa.array([1, 2], pa.uint64()), pa.int64(), [1, 2]),
        (pa.array([1, 2**63], pa.uint64()), pa.string(), ["1", str(2**63)]),
        (pa.array([1.5, float("nan")], pa.float32()), pa.float64(), [1.5, None]),
        (pa.array([True, None]), pa.bool_(), [True, None]),
        (pa.array(["x", "y"]).dictionary_encode(), pa.string(), ["x", "y"]),
        (pa.array(["x", None], pa.large_string()), pa.string(), ["x", None]),
        (pa.array([["x", None], []]), pa.list_(pa.string()), [["x"], None]),
        (pa.array([[1, 2], None]), pa.list_(pa.string()), [["1", "2"], None]),
        (pa.array([0, None], pa.date32()), pa.string(), ["1970-01-01", None]),
    ],
)
def test_metadata_takes_the_nearest_of_five_types(
    values: Any, kind: pa.DataType, expected: list[Any]
) -> None:
    table = stored(item=["a", "b"], meta=values)
    assert table.schema.field("meta").type == kind
    assert table["meta"].to_pylist() == expected


def test_a_column_without_any_value_is_left_out() -> None:
    table = stored(item=["a"], nothing=pa.array([None]), nan=[float("nan")], empty=[[]])
    assert table.column_names == [name for name, _ in FIXED]


def test_metadata_may_have_the_name_of_a_fixed_column() -> None:
    table = items_table(
        pa.table([["a"], ["cat"], ["dog"], [7]], names=["item", "label", "label", "row"])
    )
    assert table["label"].to_pylist() == ["cat"]
    assert table["label_"].to_pylist() == ["dog"]
    assert table["row_"].to_pylist() == [7]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["a"]}, "a column 'item'"),
        ({"item": ["a", None]}, "an id for every item"),
        ({"item": ["a"], "width": ["wide"]}, "column 'width'"),
        ({"item": ["a"], "blob": [b"\xff\xfe"]}, "column 'blob'"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        stored(**columns)


def test_captions_without_text_are_left_out() -> None:
    table = captions_table(pa.table({"item_index": [0, 1, 1], "text": ["a", "", None]}), 2)
    assert table.to_pylist() == [{"item_index": 0, "text": "a"}]
    assert captions_table(pa.table({}), 2).num_rows == 0


@pytest.mark.parametrize(
    "captions",
    [{"item_index": [2], "text": ["a"]}, {"item_index": [-1], "text": ["a"]}, {"text": ["a"]}],
)
def test_captions_of_no_item_are_refused(captions: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="captions"):
        captions_table(pa.table(captions), 2)


@given(st.lists(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_dropping_keeps_the_first_of_each_new_item_with_its_captions(
    names: list[str], known: set[str]
) -> None:
    items = pa.table({"item": pa.array(names, pa.string())})
    captions = pa.table(
        {
            "item_index": pa.array(range(len(names)), pa.int64()),
            "text": pa.array([f"{name}{at}" for at, name in enumerate(names)], pa.string()),
        }
    )
    kept, texts = drop_items(items, captions, known)
    expected = {name: at for at, name in reversed(list(enumerate(names))) if name not in known}
    assert dict(zip(kept["item"].to_pylist(), texts["text"].to_pylist(), strict=True)) == {
        name: f"{name}{at}" for name, at in expected.items()
    }
    assert texts["item_index"].to_pylist() == list(range(kept.num_rows))


def test_lists_and_single_values_of_one_column_agree_with_what_came_first() -> None:
    single = pa.table({"item": ["a", "b"], "tag": [1, None]})
    many = pa.table({"item": ["a", "b"], "tag": [["x", "ü"], None]})
    assert agree_on_lists(single, {"tag": True})["tag"].to_pylist() == [["1"], None]
    assert agree_on_lists(many, {"tag": False})["tag"].to_pylist() == ['["x", "ü"]', None]
    assert agree_on_lists(many, {"tag": True}) is many
    assert agree_on_lists(many, {}) is many
