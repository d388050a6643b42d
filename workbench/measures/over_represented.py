"""Values that are more frequent in a part than in the whole, and how surprising that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = ["Excess", "over_represented"]


@dataclass(frozen=True)
class Excess:
    """A value that a part holds more often than the whole does.

    Args:
        column: the group column, e.g. ``background``.
        value: its value, e.g. ``white``.
        inside: images of the part that have it.
        part: images of the part whose value is known.
        expected: how many of them would have it if the part were drawn from the whole by lot.
        lift: ``inside / expected``, above 1.
        p: probability of at least ``inside`` by lot (one-sided hypergeometric test); not corrected
            for the number of values that were looked at, see ``p_corrected``.
        p_corrected: ``p`` times the number of values tested, at most 1 (Bonferroni).
    """

    column: str
    value: Any
    inside: int
    part: int
    expected: float
    lift: float
    p: float
    p_corrected: float


def over_represented(
    groups: Mapping[str, Sequence[Any]], part: NDArray[np.bool_], *, least: int = 2
) -> tuple[Excess, ...]:
    """Values of group columns that a part has more often than the whole, the most surprising first.

    Args:
        groups: column -> N values; None is left out of its column's counts.
        part: bool (N,), which images are in the part.
        least: a value must occur so often in the part to be tested.

    Raises:
        InputError: a column of another length than the part.

    Source: Fisher's exact test, one-sided; R. A. Fisher, 1922.
    """
    found: list[tuple[str, Any, int, int, int, int]] = []
    for column, values in groups.items():
        if len(values) != len(part):
            expected = f"{len(part)} values, one an image"
            raise InputError(f"group column {column!r}", expected=expected, got=str(len(values)))
        found += [(column, *each) for each in _counts(values, part, least)]
    if not found:
        return ()
    from scipy.stats import hypergeom

    excesses = []
    for column, value, inside, drawn, having, total in found:
        mean = drawn * having / total
        p = float(hypergeom.sf(inside - 1, total, having, drawn))
        if inside > mean:
            corrected = min(1.0, p * len(found))
            excesses.append(Excess(column, value, inside, drawn, mean, inside / mean, p, corrected))
    return tuple(sorted(excesses, key=lambda e: (e.p, -e.lift, e.column, str(e.value))))


def _counts(
    values: Sequence[Any], part: NDArray[np.bool_], least: int
) -> list[tuple[Any, int, int, int, int]]:
    """(value, inside, part, having, whole) of each value frequent enough in the part."""
    known = [(value, bool(inside)) for value, inside in zip(values, part, strict=True)]
    known = [(value, inside) for value, inside in known if value is not None]
    inside: dict[Any, int] = {}
    having: dict[Any, int] = {}
    for value, within in known:
        having[value] = having.get(value, 0) + 1
        inside[value] = inside.get(value, 0) + within
    drawn = sum(inside.values())
    return [
        (value, number, drawn, having[value], len(known))
        for value, number in inside.items()
        if number >= least
    ]
