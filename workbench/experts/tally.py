"""Counting of things that are too many for an array of all: few of them ever occur."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tally"]

_PENDING = 64
"""Additions after which equal keys are put together: bounds the memory."""


class Tally:
    """Sums by key; mergeable, in any order."""

    def __init__(self) -> None:
        self._keys: list[NDArray[np.int64]] = []
        self._sums: list[NDArray[np.int64]] = []

    def add(self, keys: NDArray[np.int64]) -> None:
        """Count each occurrence of each key: int64 (n,)."""
        found, sums = np.unique(keys, return_counts=True)
        self._append(found, sums.astype(np.int64))

    def merge(self, other: Tally, keys: NDArray[np.int64] | None = None) -> None:
        """Add the sums of another; ``keys`` replace its own, in the order of ``items``."""
        found, sums = other.items()
        self._append(found if keys is None else keys, sums)

    def items(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct keys, rising, and their sums."""
        if len(self._keys) != 1:
            self._compact()
        return self._keys[0], self._sums[0]

    def _append(self, keys: NDArray[np.int64], sums: NDArray[np.int64]) -> None:
        self._keys.append(keys)
        self._sums.append(sums)
        if len(self._keys) > _PENDING:
            self._compact()

    def _compact(self) -> None:
        empty = np.empty(0, np.int64)
        keys, places = np.unique(np.concatenate([empty, *self._keys]), return_inverse=True)
        sums = np.zeros(len(keys), np.int64)
        np.add.at(sums, places, np.concatenate([empty, *self._sums]))
        self._keys, self._sums = [keys], [sums]
