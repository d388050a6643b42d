"""Work dealt to cores: its order, its errors, and a BLAS that is as before afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from workbench.heads import cores
from workbench.heads.cores import block_size, dealt, over_cores, room
from workbench.heads.head import LinearScorer, scored
from workbench.heads.softmax import certainty
from workbench.heads.top import rank_of, top


def _blas() -> list[int]:
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def _two_blas_threads() -> Iterator[None]:
    with threadpool_limits(2, "blas"):
        yield


def test_what_is_made_comes_in_the_order_of_what_was_given() -> None:
    assert list(dealt(lambda x: x * x, range(100))) == [x * x for x in range(100)]
    assert list(dealt(lambda x: x, [])) == []


def test_blas_keeps_to_one_thread_meanwhile_and_is_restored_by_the_last() -> None:
    before = _blas()
    first, second = dealt(lambda x: x, range(50)), dealt(lambda x: x, range(50))
    next(first), next(second)
    assert set(_blas()) == {1}
    first.close()
    assert set(_blas()) == {1}
    second.close()
    assert _blas() == before


def test_an_error_ends_the_work_and_restores_blas() -> None:
    before, begun = _blas(), []

    def work(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        list(dealt(work, range(10_000)))
    assert len(begun) < 1000
    assert _blas() == before


def test_things_are_taken_only_a_little_ahead() -> None:
    taken: list[int] = []
    with closing(dealt(lambda x: x, (taken.append(i) or i for i in range(1000)))) as made:
        next(made)
        assert len(taken) <= 2 * cores._THREADS + 1


def test_a_dealt_part_is_not_dealt_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "CELLS", 4)
    threads: list[set[int]] = []

    def work(_: int) -> None:
        seen: set[int] = set()
        over_cores(lambda part: seen.add(threading.get_ident()), np.zeros((9, 2), np.float32))
        threads.append(seen | {threading.get_ident()})

    list(dealt(work, range(3)))
    assert [len(each) for each in threads] == [1, 1, 1]


def test_blocks_shrink_with_the_number_of_classes() -> None:
    assert block_size(1) == block_size(1000) == cores.BLOCK_IMAGES
    assert block_size(20_000) == cores.BLOCK_CELLS // 20_000
    assert block_size(1 << 30) == 1


def test_dealt_blocks_give_what_one_product_gives() -> None:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((700, 64), dtype=np.float32)
    scorer = LinearScorer(rng.standard_normal((300, 64), dtype=np.float32), 10.0)
    truth = rng.integers(0, 300, 700)

    def judge(span: slice) -> tuple[np.ndarray, ...]:
        logits = scorer.logits(images[span], span.start)
        best, scores = top(logits, 10)
        return best, scores, *certainty(logits, scores), rank_of(logits, truth[span])

    spans = [slice(at, at + 99) for at in range(0, 700, 99)]
    parts = zip(*dealt(judge, spans), strict=True)
    whole = judge(slice(0, 700))
    for part, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(np.concatenate(part), expected, rtol=1e-4, atol=1e-5)


def test_room_is_the_threads_own_and_used_again() -> None:
    first = room(4, 5)
    first[:] = 1
    assert np.shares_memory(first, room(2, 3))
    grown = room(40, 50)
    assert grown.shape == (40, 50) and grown.dtype == np.float32
    others: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: others.append(room(4, 5)))
    thread.start()
    thread.join()
    assert not np.shares_memory(others[0], room(4, 5))


def test_logits_of_blocks_in_shared_memory_are_those_of_new_memory() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(7, 16)).astype(np.float32)
    blocks = rng.normal(size=(20, 30, 16)).astype(np.float32)
    scorer = LinearScorer(weights, 100.0, shared=-3.0)

    def work(given: tuple[int, np.ndarray]) -> np.ndarray:
        return scored(scorer, given[1], given[0], 7).copy()

    found = list(dealt(work, enumerate(blocks)))
    for block, logits in zip(blocks, found, strict=True):
        np.testing.assert_allclose(logits, block @ weights.T * 100 - 3, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(logits, scorer.logits(block, 0), rtol=1e-5, atol=1e-4)
