"""The patches that an expert was surest of, no more than a few of one image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["OF_ONE_IMAGE", "SIZE", "Wall"]

SIZE = 256
"""Patches kept of an expert."""

OF_ONE_IMAGE = 4

_MASK = np.uint64((1 << 48) - 1)
_ODD = np.uint64(0x9E3779B97F4B)
"""Multiplying by an odd number permutes the 48 bits: no two places get one number."""


class Wall:
    """The patches of one expert with the largest gates; mergeable, whatever the chunks.

    Patches of one gate stand in an order that is fixed and has nothing to do with their place in
    the dataset: gates of 1.0 are common, and the first images shall not take all the room.
    """

    def __init__(self) -> None:
        self.row: NDArray[np.int32] = np.empty(0, np.int32)
        self.position: NDArray[np.int16] = np.empty(0, np.int16)
        self.gate: NDArray[np.float16] = np.empty(0, np.float16)
        self._key: NDArray[np.uint64] = np.empty(0, np.uint64)

    def add(
        self, row: NDArray[np.int32], position: NDArray[np.int16], gate: NDArray[np.float16]
    ) -> None:
        """Offer patches: (n,) each, not two of one place."""
        key = _keys(row, position, gate)
        if len(self._key) == SIZE:  # nothing below the last one can come in
            better = key > self._key[-1]
            row, position, gate, key = row[better], position[better], gate[better], key[better]
        if not len(key):
            return
        row, position = np.concatenate([self.row, row]), np.concatenate([self.position, position])
        gate, key = np.concatenate([self.gate, gate]), np.concatenate([self._key, key])
        best = _best(row, key)
        self.row, self.position = row[best], position[best]
        self.gate, self._key = gate[best], key[best]

    def merge(self, other: Wall) -> None:
        """Add the patches of another of the same expert."""
        self.add(other.row, other.position, other.gate)


def _keys(
    row: NDArray[np.int32], position: NDArray[np.int16], gate: NDArray[np.float16]
) -> NDArray[np.uint64]:
    """Rising with the gate, then in a scattered order of places."""
    place = row.astype(np.uint64) << np.uint64(16) | position.astype(np.uint64)
    place = place * _ODD & _MASK
    place = (place ^ place >> np.uint64(24)) * _ODD & _MASK
    # the bits of positive half-precision numbers rise with the numbers
    bits = np.maximum(gate.astype(np.float16), np.float16(0)).view(np.uint16)
    return bits.astype(np.uint64) << np.uint64(48) | place


def _best(row: NDArray[np.int32], key: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Places of the largest keys, largest first, a few of one row."""
    order = np.argsort(key)[::-1]
    looked = 4 * SIZE
    while True:
        best = order[:looked]
        found = best[_number_among_equals(row[best]) < OF_ONE_IMAGE][:SIZE]
        if len(found) == SIZE or looked >= len(order):
            return found
        looked *= 4


def _number_among_equals(values: NDArray[np.int32]) -> NDArray[np.int64]:
    """For each value how many equal ones stand before it."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(values) else order
    sizes = np.diff(np.r_[first, len(values)])
    numbers = np.empty(len(values), np.int64)
    numbers[order] = np.arange(len(values)) - np.repeat(first, sizes)
    return numbers
