"""The two ways of a dataset through a model: in lanes on a CPU, one batch ahead on a GPU."""

import threading

import numpy as np
import pytest
import torch

from workbench.errors import BadImage, Cancelled, ModelError
from workbench.gpu.batching import Batching
from workbench.gpu.forward import Forward
from workbench.gpu.lanes import Lanes
from workbench.gpu.loading import Failed, ahead


class Memory:
    """A device with room for so many items at once; counts what is computed."""

    def __init__(self, room):
        self.room, self.sizes, self.lock = room, [], threading.Lock()

    def __call__(self, items):
        if len(items) > self.room:
            raise torch.OutOfMemoryError(f"no room for {len(items)}")
        with self.lock:
            self.sizes.append(len(items))
        return np.array(items, dtype=np.float32)[:, None] * 2


def prepare(number):
    if number % 10 == 7:
        raise BadImage(f"picture {number}", got="a broken file")
    return float(number)


def in_lanes(compute, stream, batching, prepare=prepare):
    return Lanes(compute, batching, lanes=3).run(stream, prepare)


def one_ahead(compute, stream, batching, prepare=prepare):
    forward = Forward(compute, lambda vectors: vectors, batching)
    return forward.run(ahead(stream, prepare, window=lambda: 16, workers=3))


WAYS = pytest.mark.parametrize("way", [in_lanes, one_ahead])


@WAYS
@pytest.mark.parametrize("room", [1, 3, 16, 1000])
def test_every_row_comes_once_and_in_order_whatever_the_memory(way, room):
    batching = Batching(start=16, largest=64)
    rows, values, failed = [], [], []
    for result in way(Memory(room), ((n + 1000, n) for n in range(100)), batching):
        if isinstance(result, Failed):
            failed.append((result.row, result.name, result.reason))
        else:
            rows += result[0]
            values += result[1][:, 0].tolist()
    good = [n for n in range(100) if n % 10 != 7]
    assert rows == [n + 1000 for n in good] and values == [2.0 * n for n in good]
    assert failed == [(n + 1000, str(n), "a broken file") for n in range(7, 100, 10)]
    assert batching.size <= room


@WAYS
def test_no_memory_for_a_single_item_is_an_error(way):
    with pytest.raises(ModelError, match="a single item"):
        list(way(Memory(0), ((n, n) for n in range(5)), Batching()))


@WAYS
def test_an_empty_stream_and_one_of_failures_only(way):
    assert list(way(Memory(9), iter(()), Batching())) == []
    (failed,) = way(Memory(9), iter([(3, 7)]), Batching())
    assert failed == Failed(3, "7", "a broken file")


@WAYS
def test_a_bug_is_not_taken_for_a_broken_file(way):
    def broken(number):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(way(Memory(9), iter([(0, 0)]), Batching(), broken))


@WAYS
def test_a_request_to_stop_is_not_taken_for_a_broken_file(way):
    def stop(number):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        list(way(Memory(9), iter([(0, 0)]), Batching(), stop))


@WAYS
def test_an_error_that_is_no_lack_of_memory_ends_the_stream(way):
    def compute(items):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        list(way(compute, iter([(0, 0)]), Batching()))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
        MemoryError(),
    ],
)
@WAYS
def test_every_wording_of_a_full_memory_is_known(way, error):
    failures = [error]

    def compute(items):
        if failures and len(items) > 1:
            raise failures.pop()
        return np.array(items, dtype=np.float32)[:, None]

    results = list(way(compute, ((n, n) for n in range(6)), Batching(start=4)))
    assert [row for rows, _ in results for row in rows] == list(range(6))


def test_lanes_read_the_stream_only_a_few_batches_ahead():
    taken = []

    def stream():
        for number in range(10_000):
            taken.append(number)
            yield number, 1

    results = in_lanes(Memory(4), stream(), Batching(start=4, largest=4))
    next(results)
    assert len(taken) <= 2 * 3 * 4 + 4
    results.close()


def test_a_gpu_is_given_the_next_batch_before_the_last_is_fetched():
    events = []

    def start(items):
        events.append(("start", items[0]))
        return items

    def finish(items):
        events.append(("finish", items[0]))
        return np.zeros((len(items), 1), dtype=np.float32)

    stream = ((n, n) for n in range(6))
    list(Forward(start, finish, Batching(start=2, largest=2)).run(stream))
    assert events == [
        ("start", 0),
        ("start", 2),
        ("finish", 0),
        ("start", 4),
        ("finish", 2),
        ("finish", 4),
    ]


def test_lanes_compute_on_one_core_each():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []

    def compute(items):
        seen.append(torch.get_num_threads())
        return np.zeros((len(items), 1), dtype=np.float32)

    list(in_lanes(compute, ((n, 1) for n in range(20)), Batching(start=2)))
    torch.set_num_threads(before)
    assert set(seen) == {1}
