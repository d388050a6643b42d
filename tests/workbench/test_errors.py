"""Errors say what was expected, what came, what to do."""

from __future__ import annotations

import copy

from workbench.errors import InputError, UnknownName, WorkbenchError


def test_message_holds_the_parts_in_order() -> None:
    error = InputError("k", expected="1 or more", got="0", do="Give a larger k.")
    assert str(error) == "k: expected 1 or more, got 0. Give a larger k."


def test_message_without_parts_is_a_sentence() -> None:
    assert str(WorkbenchError("the disk is full")) == "the disk is full."


def test_unknown_name_offers_near_misses() -> None:
    error = UnknownName("dataset", "tset", ["test", "scenes"])
    assert "test" in error.expected
    assert "scenes" not in error.expected


def test_unknown_name_with_nothing_known_says_so() -> None:
    assert "There is no model yet." in str(UnknownName("model", "x"))


def test_parts_survive_a_copy_across_processes() -> None:
    error = copy.copy(UnknownName("dataset", "tset", ["test"]))
    assert isinstance(error, UnknownName)
    assert error.expected == "one of test"
