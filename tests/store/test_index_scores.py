from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.index_cover import Coverage
from store.index_scores import as_float32, best, score


def test_every_finite_float16_is_converted_exactly() -> None:
    every = np.arange(65536, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    got = as_float32(finite)
    assert np.array_equal(got.view(np.uint32), finite.astype(np.float32).view(np.uint32))


def test_float32_comes_back_unchanged() -> None:
    vectors = np.ones((2, 3), dtype=np.float32)
    assert as_float32(vectors) is vectors


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 700),
    st.integers(1, 300),
    st.sampled_from(["float16", "float32"]),
    st.integers(0, 2**32 - 1),
)
def test_a_score_does_not_depend_on_place_or_neighbours(
    rows: int, dim: int, dtype: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((rows, dim)).astype(dtype)
    query = rng.standard_normal(dim).astype(np.float32)
    whole = score(vectors, query)
    assert whole == pytest.approx(vectors.astype(np.float64) @ query, abs=1e-3)
    some = rng.integers(0, rows, rng.integers(1, rows + 1))
    assert np.array_equal(score(vectors[some], query), whole[some])


@settings(max_examples=200)
@given(st.lists(st.integers(0, 4), max_size=30), st.integers(0, 40), st.randoms())
def test_the_best_are_ordered_by_score_then_row(scores: list[int], k: int, random: object) -> None:
    rows = np.arange(len(scores), dtype=np.int64) * 3
    order = list(range(len(scores)))
    random.shuffle(order)  # type: ignore[attr-defined]
    values = np.array(scores, dtype=np.float32)
    got_rows, got_scores = best(rows[order], values[order], k)
    wanted = sorted(zip((-values).tolist(), rows.tolist(), strict=True))[:k]
    assert list(zip((-got_scores).tolist(), got_rows.tolist(), strict=True)) == wanted


@settings(max_examples=100)
@given(st.sets(st.integers(0, 60)), st.lists(st.integers(0, 70)))
def test_only_rows_with_a_vector_are_kept(covered: set[int], asked: list[int]) -> None:
    edges = sorted(r for r in covered if r - 1 not in covered)
    ends = sorted(r + 1 for r in covered if r + 1 not in covered)
    cover = Coverage(np.array(edges, np.int64), np.array(ends, np.int64), 4, frozenset())
    assert cover.count == len(covered)
    assert cover.rows().tolist() == sorted(covered)
    assert cover.rows(20).tolist() == sorted(r for r in covered if r >= 20)
    assert cover.keep(np.array(asked, dtype=np.int64)).tolist() == sorted(covered & set(asked))
    assert set(range(cover.prefix)) <= covered
    assert cover.prefix not in covered
