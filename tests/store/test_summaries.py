"""Columns, frequent values, histograms and the report, against counting by hand."""

from __future__ import annotations

import itertools
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.workspace import Workspace
from workbench.errors import InputError, UnknownName
from workbench.filters import parse
from workbench.types import Column

LABELS = ["cat", "dog", None, "cat", "bee", "cat"]
TAGS = [["a", "b"], ["a"], None, ["b"], [], ["a"]]
NUMBERED = itertools.count()
NUMBERS = [0.0, 1.0, 2.0, 10.0, None, float("inf")]


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    items = {
        "item": list("uvwxyz"),
        "uri": ["/u", "/v", "/w", "/x", "/y", None],
        "width": pa.array([10, 10, 20, 10, 5, None], pa.int32()),
        "height": pa.array([20, 20, 10, 20, 5, None], pa.int32()),
        "format": ["JPEG", "JPEG", "PNG", "JPEG", "PNG", None],
        "bytes": [100, 200, 300, 400, 500, None],
        "digest": ["d1", "d2", "d1", "d1", "d2", None],
        "label": LABELS,
        "tags": TAGS,
        "number": NUMBERS,
        "flag": [True, None, None, None, None, None],
    }
    captions = {"item_index": [0, 0, 3], "text": ["x", "y", "z"]}
    workspace.tables.append("birds", pa.table(items), pa.table(captions), skipped=[("q", "bad")])
    return workspace


def test_columns_say_kind_distinct_and_missing(filled: Workspace) -> None:
    assert filled.tables.columns("birds") == (
        Column("width", "integer", 3, 1),
        Column("height", "integer", 3, 1),
        Column("format", "text", 2, 1),
        Column("bytes", "integer", 5, 1),
        Column("label", "text", 3, 1),
        Column("tags", "list", 2, 2),
        Column("number", "number", 5, 1),
        Column("flag", "boolean", 1, 5),
    )


def test_many_distinct_values_are_counted_up_to_a_bound(workspace: Workspace) -> None:
    ids = [f"i{n}" for n in range(10_050)]
    workspace.tables.append("birds", pa.table({"item": ids, "name": ids, "n": [1] * len(ids)}))
    distinct = {c.name: c.distinct for c in workspace.tables.columns("birds")}
    assert (distinct["name"], distinct["n"]) == (10_001, 1)


def test_facets_are_sorted_by_frequency_then_value(filled: Workspace) -> None:
    facets = filled.tables.facets
    assert facets("birds", "label") == [("cat", 3), ("bee", 1), ("dog", 1), (None, 1)]
    assert facets("birds", "label", limit=2) == [("cat", 3), ("bee", 1)]
    assert facets("birds", "tags") == [("a", 3), ("b", 2), (None, 2)]
    assert facets("birds", "flag") == [(None, 5), (True, 1)]
    assert facets("birds", "label", (parse("width=10"),)) == [("cat", 2), ("dog", 1)]
    with pytest.raises(UnknownName, match="lable"):
        facets("birds", "lable")


def test_a_facet_is_a_filter_that_finds_as_many(filled: Workspace) -> None:
    from workbench.filters import Filter

    for column in ("label", "flag", "tags", "width"):
        for value, count in filled.tables.facets("birds", column):
            assert filled.tables.count("birds", (Filter(column, "=", value),)) == count


def test_cached_answers_are_new_lists_and_follow_the_data(filled: Workspace) -> None:
    filled.tables.facets("birds", "label").clear()
    assert len(filled.tables.facets("birds", "label")) == 4
    filled.tables.append("birds", pa.table({"item": ["new"], "label": ["cat"]}))
    assert filled.tables.facets("birds", "label")[0] == ("cat", 4)


def test_histograms_leave_out_what_is_missing_or_infinite(filled: Workspace) -> None:
    assert filled.tables.histogram("birds", "number", 5) == ([0, 2, 4, 6, 8, 10], [2, 1, 0, 0, 1])
    assert filled.tables.histogram("birds", "width", 1, (parse("width=10"),)) == ([9.5, 10.5], [3])
    with pytest.raises(InputError, match="a numeric column, got a text column"):
        filled.tables.histogram("birds", "label")
    with pytest.raises(InputError, match="1 or more"):
        filled.tables.histogram("birds", "number", 0)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.lists(st.none() | st.integers(-50, 50), min_size=1, max_size=30),
    bins=st.integers(1, 9),
)
def test_summaries_agree_with_counting(
    workspace: Workspace, values: list[int | None], bins: int
) -> None:
    name = f"d{next(NUMBERED)}"
    workspace.catalog.ensure_dataset(name, importer="x", source="y")
    ids = [f"i{n}" for n in range(len(values))]
    there = [v for v in values if v is not None]
    if not there:
        values = [1]
        ids, there = ids[:1], [1]
    workspace.tables.append(name, pa.table({"item": ids, "v": values}))
    assert dict(workspace.tables.facets(name, "v", limit=1000)) == Counter(values)
    column = workspace.tables.columns(name)[-1]
    assert (column.distinct, column.missing) == (len(set(there)), values.count(None))
    edges, counts = workspace.tables.histogram(name, "v", bins)
    assert sum(counts) == len(there)
    for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True):
        last = right == edges[-1]
        inside = [v for v in there if left <= v < right or (last and v == right)]
        assert abs(len(inside) - count) <= sum(v in (left, right) for v in there)


def test_the_report_counts_everything(filled: Workspace) -> None:
    report = filled.tables.report("birds")
    assert (report.items, report.captions, report.skipped, report.images) == (6, 3, 1, 5)
    assert report.bytes == 1500
    assert report.formats == (("JPEG", 3), ("PNG", 2))
    assert report.sizes == ((10, 20, 3), (5, 5, 1), (20, 10, 1))
    assert (report.smallest, report.largest) == ((5, 5), (10, 20))
    assert report.labels == (("cat", 3), ("bee", 1), ("dog", 1))
    assert (report.label_count, report.unlabelled) == (3, 1)
    assert report.missing["number"] == 1
    assert report.duplicates == (("d1", 3), ("d2", 2))
    assert report.duplicate_items == 3
    assert report.captions_per_item == ((0, 4), (1, 1), (2, 1))
    filled.tables.append("birds", pa.table({"item": []}), skipped=[("r", "bad")])
    assert filled.tables.report("birds").skipped == 2
