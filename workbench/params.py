"""Declared parameters: a frozen dataclass whose fields say what they mean and what is allowed.

    @dataclass(frozen=True)
    class Params:
        beta: float = param(0.85, help="Entropy of the weights ...", low=0, high=1)

Forms, command line flags and checks are all made from the declaration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from typing import Any

from workbench.errors import InputError

__all__ = ["Described", "build", "describe", "param"]

_MARK = "workbench.param"


@dataclass(frozen=True)
class Described:
    """One parameter as a form shows it.

    Args:
        name: of the field.
        default: its value when nothing is said; its type is that of the parameter.
        help: one sentence.
        low: least value allowed, or None.
        high: largest value allowed, or None.
        choices: the values allowed, or none for any in the range.
    """

    name: str
    default: Any
    help: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]


def param(
    default: Any,
    *,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """A field of a Params class: its default (a bool, int, float or str) and what is allowed."""
    mark = {"help": help, "low": low, "high": high, "choices": tuple(choices)}
    return field(default=default, metadata={_MARK: mark})


def describe(params: type) -> tuple[Described, ...]:
    """The parameters of a Params class, in their order."""
    return tuple(_described(each) for each in fields(params))


def _described(each: Field[Any]) -> Described:
    return Described(each.name, each.default, **each.metadata[_MARK])


def build(params: type, values: Mapping[str, Any]) -> Any:
    """A Params object from values by name; texts are read as the type of the default.

    Raises:
        InputError: an unknown name, a value of another type, or one that is not allowed.
    """
    known = {each.name: each for each in describe(params)}
    for name in values:
        if name not in known:
            expected = f"one of {', '.join(known)}" if known else "no parameter"
            raise InputError("parameter", expected=expected, got=repr(name))
    return params(**{name: _checked(known[name], value) for name, value in values.items()})


def _checked(each: Described, value: Any) -> Any:
    read = _read(each, value)
    if each.choices and read not in each.choices:
        expected = f"one of {', '.join(each.choices)}"
        raise InputError(f"parameter {each.name}", expected=expected, got=repr(value))
    too_low = each.low is not None and not read >= each.low
    too_high = each.high is not None and not read <= each.high
    if too_low or too_high:
        ends = f"from {each.low}" if each.low is not None else ""
        ends += f" to {each.high}" if each.high is not None else ""
        raise InputError(f"parameter {each.name}", expected=ends.strip(), got=repr(value))
    return read


def _read(each: Described, value: Any) -> Any:
    kind = type(each.default)
    if isinstance(value, str) and kind is bool:
        value = {"true": True, "false": False}.get(value.casefold(), value)
    elif isinstance(value, str) and kind in (int, float):
        with suppress(ValueError):  # said below, with the value as it was given
            value = kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        expected = {bool: "true or false", int: "a whole number", float: "a number"}
        raise InputError(
            f"parameter {each.name}", expected=expected.get(kind, "a text"), got=repr(value)
        )
    return value
