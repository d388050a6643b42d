"""Two steps that all the matching is made of: distinct codes, and ragged ranges laid out flat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["begins", "distinct", "ranges"]

Ints = NDArray[np.int64]


def begins(values: Ints) -> NDArray[np.bool_]:
    """True where a value differs from the one before it: the first of each run."""
    first = np.ones(len(values), dtype=np.bool_)
    first[1:] = values[1:] != values[:-1]
    return first


def distinct(codes: Ints) -> Ints:
    """Each value once, ascending. By sorting: numpy's ``unique`` takes several times as long."""
    codes = np.sort(codes)
    return codes[np.flatnonzero(begins(codes))]


def ranges(begin: Ints, number: Ints) -> tuple[Ints, Ints]:
    """For n ranges ``begin[i] .. begin[i] + number[i]``: which range, and which value.

    >>> ranges(np.array([5, 9]), np.array([2, 1]))
    (array([0, 0, 1]), array([5, 6, 9]))
    """
    which = np.repeat(np.arange(len(begin)), number)
    return which, np.arange(len(which)) + np.repeat(begin - (np.cumsum(number) - number), number)
