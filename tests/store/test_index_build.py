from __future__ import annotations

import hashlib
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import index_build
from store.index_plan import IndexPlan
from store.index_recall import half_recall
from store.workspace import Workspace
from tests.store.index_world import KEY, embed, unit, workspace
from workbench.errors import Cancelled, DiskFull, InputError

CELLS = IndexPlan("IVF16 float16", "Cells, for the test.", 0)


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    with workspace(tmp_path / "w", 4000, captions=4000) as made:
        yield made


def digest(opened: Workspace) -> str:
    found = opened.catalog.index(*KEY)
    assert found is not None
    return hashlib.sha256((opened.root / str(found[1])).read_bytes()).hexdigest()


def test_float16_vectors_lose_nothing(opened: Workspace) -> None:
    embed(opened, unit(np.random.default_rng(0), 1000, 32))
    steps: list[tuple[int, int]] = []
    info = opened.indexes.build(*KEY, progress=lambda done, total: steps.append((done, total)))
    assert (info.kind, info.rows, info.dim, info.exact) == ("flat float16", 1000, 32, True)
    assert "nothing is lost" in info.reason
    assert 64_000 <= info.bytes < 65_000
    assert steps == [(done, 1000) for done in range(100, 1001, 100)]
    assert opened.indexes.info(*KEY) == info
    assert opened.indexes.all() == (info,)


def test_float32_vectors_are_halved_where_measured_harmless(opened: Workspace) -> None:
    embed(opened, unit(np.random.default_rng(0), 1000, 64), dtype="float32")
    info = opened.indexes.build(*KEY)
    assert info.kind == "flat float16"
    assert "recall@10 against float32 is 1.0000 on 256 sample queries" in info.reason
    assert info.exact  # what is found is scored anew


def test_float32_stays_where_halving_would_lose(opened: Workspace) -> None:
    rng = np.random.default_rng(0)
    centre = unit(rng, 1, 32)
    vectors = centre + 2e-4 * unit(rng, 1000, 32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    embed(opened, vectors, dtype="float32")
    steps: list[tuple[int, int]] = []
    info = opened.indexes.build(*KEY, progress=lambda done, total: steps.append((done, total)))
    assert info.kind == "flat float32"
    assert "below 0.999" in info.reason
    assert 128_000 <= info.bytes < 129_000
    assert steps[-1] == (2000, 2000)
    hits = opened.indexes.search(*KEY, vectors[:3], 10)
    truth = np.sort(vectors[:3].astype(float) @ vectors.T.astype(float), axis=1)[:, ::-1]
    assert hits.scores == pytest.approx(truth[:, :10], abs=1e-6)


def test_halving_is_measured_by_what_is_found() -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng, 300, 16)
    blocks = [(0, vectors[:170]), (170, vectors[170:])]
    assert half_recall(vectors[:50], blocks, lambda rows: vectors[rows]) == 1.0
    near = vectors[:1] + 1e-4 * unit(rng, 300, 16)
    near = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    # Vectors that float16 can hardly tell apart: far from all of the ten nearest are found.
    assert half_recall(unit(rng, 50, 16), [(0, near)], lambda rows: near[rows]) < 0.8


def test_cells_say_what_they_find(opened: Workspace) -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng, 4000, 16)
    embed(opened, vectors, shard=500)
    embed(opened, unit(rng, 4000, 16), side="caption", shard=500)
    info = opened.indexes.build(*KEY, plan=CELLS)
    assert (info.kind, info.exact, info.rows) == ("IVF16 float16", False, 4000)
    assert "sample queries" in info.reason
    visits = int(info.reason.split("Visiting ")[1].split()[0])
    assert 1 <= visits < 16
    queries = unit(rng, 100, 16)
    hits = opened.indexes.search(*KEY, queries, 10)
    assert not hits.exact
    truth = np.sort(queries @ vectors.astype(np.float16).astype(np.float32).T, axis=1)
    assert np.mean(hits.scores >= truth[:, -10:-9] - 1e-6) > 0.9


def test_cells_are_exact_with_a_filter_and_deep_down(opened: Workspace) -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng, 4000, 16).astype(np.float16)
    vectors[500:900] = vectors[7]
    embed(opened, vectors, shard=500)
    opened.indexes.build(*KEY, plan=CELLS)
    queries = unit(rng, 5, 16)
    queries[0] = vectors[7]
    scores = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    for allowed in (np.arange(0, 4000, 2), np.arange(0, 4000, 500)):
        hits = opened.indexes.search(*KEY, queries, 8, allowed)
        assert hits.exact
        truth = -np.sort(-scores[:, allowed], axis=1)[:, :8]
        assert hits.scores == pytest.approx(truth, abs=1e-6)
    deep = opened.indexes.search(*KEY, queries, 4000)
    assert deep.exact
    assert deep.scores == pytest.approx(-np.sort(-scores, axis=1), abs=1e-6)
    assert deep.rows[0, :4].tolist() == [7, 500, 501, 502]


def test_the_seed_gives_the_same_file(opened: Workspace) -> None:
    embed(opened, unit(np.random.default_rng(0), 2000, 16), shard=500)
    digests = []
    for seed in (0, 0, 1):
        opened.catalog.drop_index(*KEY)
        opened.indexes.build(*KEY, plan=CELLS, seed=seed)
        digests.append(digest(opened))
    assert digests[0] == digests[1] != digests[2]


def test_too_little_memory_means_no_file(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(opened, unit(np.random.default_rng(0), 1000, 32))

    class Memory:
        total = 10_000

    monkeypatch.setattr(index_build.psutil, "virtual_memory", Memory)
    info = opened.indexes.build(*KEY)
    assert (info.kind, info.bytes, info.exact) == ("none", 0, True)
    assert "more than half of this machine's memory" in info.reason
    assert opened.indexes.info(*KEY) == info


def test_an_index_over_the_same_rows_is_kept(opened: Workspace) -> None:
    embed(opened, unit(np.random.default_rng(0), 1000, 32))
    first = opened.indexes.build(*KEY)
    steps: list[int] = []
    assert opened.indexes.build(*KEY, progress=lambda done, _: steps.append(done)) == first
    assert steps == []
    assert opened.indexes.build(*KEY, plan=CELLS).kind == "IVF16 float16"


def test_an_index_ends_at_the_first_gap(opened: Workspace) -> None:
    vectors = unit(np.random.default_rng(0), 1000, 32)
    embed(opened, vectors[:300])
    embed(opened, vectors[400:], 400)
    assert opened.indexes.build(*KEY).rows == 300
    assert opened.indexes.search(*KEY, vectors[:1], 1000).considered == 900


@pytest.mark.parametrize("plan", [None, CELLS])
@pytest.mark.parametrize("stop_at", [1, 3])
def test_stopping_changes_nothing(opened: Workspace, plan: IndexPlan | None, stop_at: int) -> None:
    embed(opened, unit(np.random.default_rng(0), 1000, 32))
    asked: list[int] = []

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) >= stop_at

    with pytest.raises(Cancelled, match="things"):
        opened.indexes.build(*KEY, plan=plan, should_stop=should_stop)
    assert opened.indexes.all() == ()
    assert list((opened.root / "indexes").rglob("*.*")) == []


def test_a_full_disk_is_named_and_changes_nothing(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(opened, unit(np.random.default_rng(0), 4000, 64), shard=2000)
    write = index_build.faiss.write_index

    def limited(*args: Any) -> None:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            write(*args)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    monkeypatch.setattr(index_build.faiss, "write_index", limited)
    with pytest.raises(DiskFull, match="indexes"):
        opened.indexes.build(*KEY)
    assert opened.indexes.all() == ()
    assert [path for path in (opened.root / "indexes").rglob("*") if path.is_file()] == []
    hits = opened.indexes.search(*KEY, unit(np.random.default_rng(1), 1, 64), 3)
    assert hits.considered == 4000


def test_nothing_embedded_cannot_be_indexed(opened: Workspace) -> None:
    with pytest.raises(InputError, match="Embed the dataset first"):
        opened.indexes.build(*KEY)
