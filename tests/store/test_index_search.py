from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from store.index_plan import IndexPlan
from store.index_reader import Reader
from store.workspace import Workspace
from tests.store.index_world import KEY, add_items, embed, unit, workspace
from workbench.errors import InputError, WorkspaceDamaged
from workbench.types import Hits

N, D = 3000, 24
KINDS = {
    "no index": (None, "float16"),
    "flat": (IndexPlan("flat float16", "", 0), "float16"),
    "flat of float32": (IndexPlan("flat float32", "", 0), "float32"),
    "half of float32": (IndexPlan("flat float16", "", 0), "float32"),
    "none": (IndexPlan("none", "", 0), "float16"),
}


class World:
    """A workspace of N vectors with repeats, an index over the first 2,800, a gap at the end."""

    def __init__(self, root: Path, kind: str) -> None:
        plan, dtype = KINDS[kind]
        self.indexed = plan is not None and plan.kind != "none"
        rng = np.random.default_rng(0)
        self.vectors = unit(rng, N, D)
        self.vectors[1000:1400] = self.vectors[5]  # more equal rows than candidates are drawn
        self.vectors[2950] = self.vectors[5]
        self.vectors = self.vectors.astype(dtype)
        self.queries = unit(rng, 6, D)
        self.queries[0] = self.vectors[5]
        self.open = workspace(root, N + 50)
        embed(self.open, self.vectors[:2800], dtype=dtype)
        if plan is not None:
            self.open.indexes.build(*KEY, plan=plan)
        embed(self.open, self.vectors[2800:2900], 2800, dtype=dtype)
        embed(self.open, self.vectors[2910:], 2910, dtype=dtype)
        self.rows = np.concatenate([np.arange(2900), np.arange(2910, N)])

    def search(self, queries: NDArray[Any], k: int, rows: NDArray[Any] | None = None) -> Hits:
        return self.open.indexes.search(*KEY, queries, k, rows)

    def truth(self, query: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
        return self.vectors[rows].astype(np.float64) @ query.astype(np.float64)


@pytest.fixture(scope="module", params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = World(tmp_path_factory.mktemp("w") / "workspace", request.param)
    yield made
    made.open.close()


def check(world: World, query: NDArray[Any], hits: Hits, i: int, rows: NDArray[Any]) -> None:
    """The hits are the highest true scores, in order, and equal scores stand by row."""
    truth = np.sort(world.truth(query, rows))[::-1][: hits.rows.shape[1]]
    assert hits.scores[i] == pytest.approx(truth, abs=2e-6)
    assert world.truth(query, hits.rows[i]) == pytest.approx(hits.scores[i], abs=2e-6)
    pairs = list(zip((-hits.scores[i]).tolist(), hits.rows[i].tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert set(hits.rows[i].tolist()) <= set(rows.tolist())


@pytest.mark.parametrize("k", [1, 10, 200, N, 10 * N])
def test_the_ranking_is_exact_to_its_end(world: World, k: int) -> None:
    hits = world.search(world.queries, k)
    assert hits.exact
    assert hits.considered == 2990
    assert hits.rows.shape == (6, min(k, 2990))
    for i, query in enumerate(world.queries):
        check(world, query, hits, i, world.rows)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 1.0])
def test_a_filter_is_exact_whatever_it_leaves(world: World, share: float) -> None:
    rng = np.random.default_rng(9)
    asked = rng.permutation(N + 50)[: int(share * (N + 50))]
    allowed = np.intersect1d(asked, world.rows)
    hits = world.search(world.queries, 20, asked)
    assert hits.considered == len(allowed)
    assert hits.rows.shape == (6, min(20, len(allowed)))
    for i, query in enumerate(world.queries):
        check(world, query, hits, i, allowed)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 120), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_pages_and_filters_show_one_ranking(world: World, k: int, seed: int, share: float) -> None:
    """The first page is the beginning of the whole ranking, and a filter only leaves out rows."""
    rng = np.random.default_rng(seed)
    query = world.queries[seed % 6][None]
    whole = world.search(query, N)
    page = world.search(query, k)
    assert np.array_equal(page.rows[0], whole.rows[0, :k])
    assert np.array_equal(page.scores[0], whole.scores[0, :k])
    allowed = np.flatnonzero(rng.random(N) < share)
    kept = np.isin(whole.rows[0], allowed)
    filtered = world.search(query, k, allowed)
    assert np.array_equal(filtered.rows[0], whole.rows[0][kept][:k])
    assert np.array_equal(filtered.scores[0], whole.scores[0][kept][:k])


def test_equal_vectors_come_by_row(world: World) -> None:
    hits = world.search(world.queries[:1], 402)
    assert hits.rows[0].tolist() == [5, *range(1000, 1400), 2950]
    assert len(set(hits.scores[0].tolist())) == 1
    part = world.search(world.queries[:1], 3, np.array([2950, 1399, 1200, 1200, 7]))
    assert part.rows[0].tolist() == [1200, 1399, 2950]


def test_every_score_is_that_of_the_search(world: World) -> None:
    query = world.queries[3]
    scores = world.open.indexes.scores(*KEY, query)
    hits = world.search(query[None], N)
    assert np.array_equal(scores, hits.scores[0][np.argsort(hits.rows[0])])
    some = np.array([2999, 4, 2905, 4])  # 2905 has no vector
    assert world.open.indexes.scores(*KEY, query, some).shape == (2,)


def test_no_query_gives_no_hits(world: World) -> None:
    hits = world.search(np.zeros((0, D), np.float32), 5)
    assert hits.rows.shape == (0, 5)


def test_wrong_questions_are_refused(world: World) -> None:
    with pytest.raises(InputError, match="k of 1"):
        world.search(world.queries, 0)
    with pytest.raises(InputError, match=rf"\(Q, {D}\)"):
        world.search(world.queries[:, :5], 3)
    with pytest.raises(InputError, match="finite"):
        world.search(world.queries * np.nan, 3)


def test_a_side_without_vectors_has_no_hits(tmp_path: Path) -> None:
    with workspace(tmp_path / "w", 3) as opened:
        hits = opened.indexes.search(*KEY, np.ones((2, 4), np.float32), 5)
        assert (hits.rows.shape, hits.considered) == ((2, 0), 0)
        assert len(opened.indexes.scores(*KEY, np.ones(4, np.float32))) == 0


@pytest.mark.parametrize(("allowed", "asked"), [(None, True), (2000, True), (200, False)])
def test_a_filter_that_leaves_little_is_read_directly(
    world: World, monkeypatch: pytest.MonkeyPatch, allowed: int | None, asked: bool
) -> None:
    calls: list[int] = []
    find = Reader.candidates

    def spy(*args: Any, **options: Any) -> Any:
        calls.append(1)
        return find(*args, **options)

    monkeypatch.setattr(Reader, "candidates", spy)
    hits = world.search(world.queries[1:2], 10, None if allowed is None else np.arange(allowed))
    assert bool(calls) == (asked and world.indexed)
    assert hits.rows.shape == (1, 10)


def test_an_index_is_mapped_not_read(small: Workspace) -> None:
    small.indexes.search(*KEY, np.ones((1, 8), np.float32), 3)
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("only Linux lists what is mapped")
    assert str(index_file(small)) in maps.read_text()


@pytest.fixture
def small(tmp_path: Path) -> Any:
    with workspace(tmp_path / "w", 600) as opened:
        embed(opened, unit(np.random.default_rng(1), 600, 8))
        opened.indexes.build(*KEY)
        yield opened


def index_file(opened: Workspace) -> Path:
    found = opened.catalog.index(*KEY)
    assert found is not None
    assert found[1] is not None
    return opened.root / found[1]


@pytest.mark.parametrize("harm", ["missing", "empty", "half", "other"])
def test_a_damaged_index_is_named(small: Workspace, harm: str) -> None:
    path = index_file(small)
    data = path.read_bytes()
    path.unlink()
    if harm != "missing":
        path.write_bytes({"empty": b"", "half": data[: len(data) // 2], "other": b"?" * 99}[harm])
    with pytest.raises(WorkspaceDamaged, match="Build it again") as caught:
        small.indexes.search(*KEY, np.ones((1, 8), np.float32), 3)
    assert path.name in str(caught.value)


def test_an_index_of_another_length_is_refused(small: Workspace, tmp_path: Path) -> None:
    with workspace(tmp_path / "other", 500) as other:
        embed(other, unit(np.random.default_rng(1), 500, 8))
        other.indexes.build(*KEY)
        index_file(small).write_bytes(index_file(other).read_bytes())
    with pytest.raises(WorkspaceDamaged, match="600 rows"):
        small.indexes.search(*KEY, np.ones((1, 8), np.float32), 3)


def test_dropped_vectors_take_their_index_along(small: Workspace) -> None:
    query = np.ones((1, 8), np.float32)
    assert small.indexes.search(*KEY, query, 3).considered == 600
    small.vectors.drop(KEY[0], KEY[1])
    assert small.indexes.info(*KEY) is None
    assert small.indexes.search(*KEY, query, 3).considered == 0


def test_a_rebuilt_index_is_used_at_once(small: Workspace) -> None:
    query = np.ones((1, 8), np.float32)
    before = small.indexes.search(*KEY, query, 600)
    add_items(small, 600, 10)
    embed(small, np.full((10, 8), np.sqrt(1 / 8), np.float32), 600)
    after = small.indexes.search(*KEY, query, 610)
    assert after.rows[0, :10].tolist() == list(range(600, 610))
    assert np.array_equal(after.rows[0, 10:], before.rows[0])
    assert small.indexes.build(*KEY).rows == 610
    again = small.indexes.search(*KEY, query, 610)
    assert np.array_equal(again.rows, after.rows)
    assert np.array_equal(again.scores, after.scores)
