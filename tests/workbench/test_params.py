from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from workbench.errors import InputError
from workbench.params import build, describe, param


@dataclass(frozen=True)
class Example:
    share: float = param(0.5, help="A share.", low=0, high=1)
    count: int = param(3, help="A count.", low=1, high=9)
    exact: bool = param(True, help="Whether.")
    kind: str = param("a", help="A kind.", choices=("a", "b"))
    words: str = param("", help="Anything.")


@dataclass(frozen=True)
class Nothing:
    pass


def test_a_form_is_made_from_the_declaration() -> None:
    first, second = describe(Example)[:2]
    assert (first.name, first.default, first.low, first.high) == ("share", 0.5, 0, 1)
    assert (second.help, second.choices) == ("A count.", ())


def test_texts_are_read_as_the_type_of_the_default() -> None:
    given = {"share": "0.25", "count": "4", "exact": "False", "kind": "b", "words": "1"}
    assert build(Example, given) == Example(0.25, 4, False, "b", "1")


def test_a_whole_number_is_a_number() -> None:
    found = build(Example, {"share": 1})
    assert found.share == 1
    assert type(found.share) is float


def test_nothing_said_leaves_the_defaults() -> None:
    assert build(Example, {}) == Example()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"share": -0.1}, "from 0 to 1"),
        ({"share": float("nan")}, "from 0 to 1"),
        ({"share": "half"}, "a number"),
        ({"share": True}, "a number"),
        ({"count": 0}, "from 1 to 9"),
        ({"count": 2.0}, "a whole number"),
        ({"count": "2.5"}, "a whole number"),
        ({"exact": 1}, "true or false"),
        ({"exact": "perhaps"}, "true or false"),
        ({"kind": "c"}, "one of a, b"),
        ({"words": 3}, "a text"),
        ({"sahre": 1}, "one of share, count"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(given: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        build(Example, given)


def test_where_there_is_no_parameter_the_error_says_so() -> None:
    with pytest.raises(InputError, match="no parameter"):
        build(Nothing, {"share": 1})
