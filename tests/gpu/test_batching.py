import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ModelError
from workbench.gpu.batching import Batching


def test_it_grows_by_doubling_until_a_batch_takes_the_time():
    batching, sizes = Batching(start=2, seconds=0.25), []
    for _ in range(10):
        sizes.append(batching.size)
        batching.learn(batching.size, batching.size / 100)  # a hundred a second
    assert sizes == [2, 4, 8, 16, 16, 16, 16, 16, 16, 16]  # 25 would fit: the power below


def test_it_shrinks_when_the_machine_becomes_slower():
    batching = Batching(start=64, seconds=0.25)
    for _ in range(20):
        batching.learn(batching.size, batching.size / 8)
    assert batching.size == 2


def test_the_rest_of_a_stream_teaches_nothing():
    batching = Batching(start=8)
    batching.learn(3, 60.0)
    assert batching.size == 8


def test_out_of_memory_halves_for_good():
    batching = Batching(start=64, largest=256)
    batching.shrink(64, "out of memory")
    assert batching.size == 32
    for _ in range(10):
        batching.learn(batching.size, 1e-4)
    assert batching.size == 32


def test_a_single_item_that_does_not_fit_is_an_error():
    with pytest.raises(ModelError, match=r"too little memory for a single item.*--device cpu"):
        Batching(start=1).shrink(1, "CUDA out of memory. Tried to allocate")


@given(st.lists(st.tuples(st.booleans(), st.floats(1e-9, 1e3)), max_size=40))
def test_the_size_stays_within_its_bounds(events):
    batching = Batching(start=4, largest=128)
    for shrink, seconds in events:
        if shrink and batching.size > 1:
            batching.shrink(batching.size, "full")
        else:
            batching.learn(batching.size, seconds)
        assert 1 <= batching.size <= batching.largest <= 128
