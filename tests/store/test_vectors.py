"""Vectors come back as they were written, from any shards, and nothing else is accepted."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.workspace import Workspace
from workbench.errors import InputError, UnknownName, WorkspaceDamaged
from workbench.types import VectorsInfo

NUMBERED = itertools.count()


def unit(count: int, dim: int = 8, seed: int = 0) -> Any:
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    captions = {"item_index": [0, 1, 1], "text": ["a", "b", "c"]}
    ids = [f"i{n}" for n in range(20)]
    workspace.tables.append("birds", pa.table({"item": ids}), pa.table(captions))
    return workspace


def test_nothing_is_there_at_first(filled: Workspace) -> None:
    vectors = filled.vectors
    assert vectors.info("birds", "m", "image") == VectorsInfo("birds", "m", "image", 0, 20, 0, "")
    assert vectors.missing("birds", "m", "image") == [(0, 20)]
    assert vectors.missing("birds", "m", "caption") == [(0, 3)]
    assert vectors.all() == ()
    assert list(vectors.blocks("birds", "m", "image")) == []
    assert vectors.take("birds", "m", "image", []).shape == (0, 0)


def test_shards_in_any_order_are_one_matrix(filled: Workspace) -> None:
    array = unit(20)
    for start, stop in ((10, 15), (0, 4), (15, 20), (4, 10)):
        filled.vectors.write("birds", "m", "image", start, array[start:stop], dtype="float32")
    assert filled.vectors.missing("birds", "m", "image") == []
    rows = [19, 0, 3, 4, 0, 10]
    taken = filled.vectors.take("birds", "m", "image", rows)
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken, array[rows])
    blocks = list(filled.vectors.blocks("birds", "m", "image", size=4))
    np.testing.assert_array_equal(np.concatenate([b for _, b in blocks]), array)
    assert [start for start, _ in blocks] == [0, 4, 8, 10, 14, 15, 19]
    assert all(isinstance(b, np.memmap) and len(b) <= 4 for _, b in blocks)


def test_half_precision_by_default_moves_a_cosine_by_less_than_a_thousandth(
    filled: Workspace,
) -> None:
    array = unit(20, 512)
    filled.vectors.write("birds", "m", "image", 0, array)
    info = filled.vectors.info("birds", "m", "image")
    assert (info.dtype, info.dim, info.done, info.complete) == ("float16", 512, 20, True)
    stored = filled.vectors.take("birds", "m", "image", np.arange(20))
    assert np.abs(stored @ stored.T - array @ array.T).max() < 1e-3


def test_sides_models_and_datasets_are_apart(filled: Workspace) -> None:
    filled.vectors.write("birds", "m", "image", 0, unit(20))
    filled.vectors.write("birds", "m", "caption", 0, unit(3))
    filled.vectors.write("birds", "n", "image", 5, unit(2, 4))
    assert filled.vectors.all() == (
        VectorsInfo("birds", "m", "image", 20, 20, 8, "float16"),
        VectorsInfo("birds", "m", "caption", 3, 3, 8, "float16"),
        VectorsInfo("birds", "n", "image", 2, 20, 4, "float16"),
    )
    filled.vectors.drop("birds", "m")
    assert [info.model for info in filled.vectors.all()] == ["n"]


def test_writing_what_is_there_changes_nothing(filled: Workspace) -> None:
    first, second = unit(20), unit(20, seed=1)
    filled.vectors.write("birds", "m", "image", 0, first[:10], dtype="float32")
    filled.vectors.write("birds", "m", "image", 10, first[10:], dtype="float32")
    for start, stop in ((0, 10), (2, 5), (5, 15), (0, 20)):
        filled.vectors.write("birds", "m", "image", start, second[start:stop])
    taken = filled.vectors.take("birds", "m", "image", np.arange(20))
    np.testing.assert_array_equal(taken, first)
    assert len(filled.database.all("select * from vectors")) == 2


def test_half_overlapping_rows_are_refused(filled: Workspace) -> None:
    filled.vectors.write("birds", "m", "image", 5, unit(5))
    with pytest.raises(InputError, match="2 of the rows 3 to 6 have one"):
        filled.vectors.write("birds", "m", "image", 3, unit(4))


@pytest.mark.parametrize(
    ("array", "start", "message"),
    [
        (unit(2) * 2, 0, "unit length"),
        (unit(2) * np.nan, 0, "unit length"),
        (np.zeros((2, 8), np.float32), 0, "norm 0"),
        (unit(2)[0], 0, r"a matrix \(N, D\)"),
        (unit(2).astype(np.float64), 0, "float16 or float32, got float64"),
        (unit(2), 19, "rows within 0 to 19, got rows 19 to 20"),
        (unit(2), -1, "rows within"),
    ],
)
def test_what_is_no_vector_of_the_dataset_is_refused(
    filled: Workspace, array: Any, start: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        filled.vectors.write("birds", "m", "image", start, array)
    assert filled.vectors.all() == ()
    assert not (filled.root / "vectors").exists()


def test_another_dimension_is_refused(filled: Workspace) -> None:
    filled.vectors.write("birds", "m", "image", 0, unit(2, 8))
    with pytest.raises(InputError, match="D = 8, got D = 4"):
        filled.vectors.write("birds", "m", "image", 2, unit(2, 4))


def test_names_that_do_not_exist_are_refused(filled: Workspace) -> None:
    with pytest.raises(UnknownName, match="fish"):
        filled.vectors.info("fish", "m", "image")
    with pytest.raises(UnknownName, match="side"):
        filled.vectors.info("birds", "m", "images")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="model key name"):
        filled.vectors.write("birds", "../m", "image", 0, unit(2))
    with pytest.raises(InputError, match="float16 or float32"):
        filled.vectors.write("birds", "m", "image", 0, unit(2), dtype="int8")


@pytest.mark.parametrize("row", [-1, 4, 7, 20])
def test_a_row_without_vector_is_named(filled: Workspace, row: int) -> None:
    filled.vectors.write("birds", "m", "image", 0, unit(4))
    filled.vectors.write("birds", "m", "image", 8, unit(12))
    with pytest.raises(InputError, match=f"image {row} of 'birds' has no vector"):
        filled.vectors.take("birds", "m", "image", [1, row])


def test_progress_of_the_job_is_part_of_the_transaction(filled: Workspace) -> None:
    job = filled.jobs.submit("embed", {}, title="t")
    filled.jobs.claim("w")
    filled.vectors.write("birds", "m", "image", 0, unit(4), job_id=job.id, done=4)
    assert filled.jobs.get(job.id).done == 4


@pytest.mark.parametrize("damage", ["missing", "truncated", "garbage", "shape"])
def test_a_damaged_file_is_said_in_words(filled: Workspace, damage: str) -> None:
    filled.vectors.write("birds", "m", "image", 0, unit(20))
    path = next((filled.root / "vectors").rglob("*.npy"))
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
    elif damage == "garbage":
        path.write_bytes(b"no array")
    else:
        with path.open("wb") as file:
            np.save(file, unit(19))
    for question in (
        lambda: filled.vectors.take("birds", "m", "image", [0]),
        lambda: list(filled.vectors.blocks("birds", "m", "image")),
    ):
        with pytest.raises(WorkspaceDamaged, match=r"\.npy .*workbench doctor"):
            question()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.sets(st.integers(1, 19)), keep=st.data())
def test_missing_is_what_was_not_written(filled: Workspace, cuts: set[int], keep: Any) -> None:
    model = f"m{next(NUMBERED)}"
    edges = [0, *sorted(cuts), 20]
    ranges = list(itertools.pairwise(edges))
    written = keep.draw(st.permutations(ranges).flatmap(lambda p: st.just(p[: len(p) // 2 + 1])))
    array = unit(20)
    for start, stop in written:
        filled.vectors.write("birds", model, "image", start, array[start:stop], dtype="float32")
    have = {row for start, stop in written for row in range(start, stop)}
    lacking = {r for a, b in filled.vectors.missing("birds", model, "image") for r in range(a, b)}
    assert lacking == set(range(20)) - have
    assert filled.vectors.info("birds", model, "image").done == len(have)
    rows = sorted(have)
    np.testing.assert_array_equal(filled.vectors.take("birds", model, "image", rows), array[rows])
