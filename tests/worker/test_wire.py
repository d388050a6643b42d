import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadImage, UnknownName, WorkerError
from workbench.worker import wire


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.binary())
def test_a_message_comes_back(header, payload):
    assert wire.unpack(wire.pack(header, payload)) == (header, payload)


def test_floats_come_back():
    values = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    found = wire.floats(*wire.unpack(wire.pack_floats(values)))
    assert found.dtype == np.float32 and np.array_equal(found, values)
    assert found.flags.writeable


@pytest.mark.parametrize(
    "message", [b"", b"\x05\x00\x00\x00{}", b"\x02\x00\x00\x00[]", b"\xff" * 9]
)
def test_what_is_no_message_is_an_error(message):
    with pytest.raises(WorkerError, match="cannot be read"):
        wire.unpack(message)


def test_an_error_arrives_as_what_it_is():
    header = wire.error_header(BadImage("x.jpg", expected="a picture", got="text", do="Look."))
    with pytest.raises(BadImage, match=r"x.jpg: expected a picture, got text. Look.") as caught:
        wire.raise_error(header)
    assert caught.value.do == "Look."
    with pytest.raises(UnknownName, match="unknown model 'a'"):
        wire.raise_error(wire.error_header(UnknownName("model", "a", ["b"])))


def test_a_bug_arrives_as_an_error_of_the_worker():
    with pytest.raises(WorkerError, match="the worker failed: KeyError: 'x'"):
        wire.raise_error(wire.error_header(KeyError("x")))


@pytest.mark.parametrize("name", ["annotations", "Iterable", "nonsense", "WorkbenchError"])
def test_only_our_errors_can_be_named(name):
    with pytest.raises(Exception, match="boo") as caught:
        wire.raise_error({"error": name, "what": "boo"})
    assert type(caught.value).__module__ == "workbench.errors"


def test_no_error_raises_nothing():
    wire.raise_error({"model": "x"})
