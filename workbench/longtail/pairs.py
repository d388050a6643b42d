"""Which concepts occur in one caption together, and how often; kept within a limit of memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.longtail.codes import begins, ranges
from workbench.longtail.concepts import Ints, Pairs

__all__ = ["PairCounts"]

_AT_ONCE = 2 << 20
_NONE = np.zeros(0, dtype=np.int64)


class PairCounts:
    """Counts of pairs of concepts a < b.

    Past ``limit`` different pairs it keeps none at all and is no longer ``complete``: whether that
    happens depends on the whole corpus only, so the result is the same however the corpus was cut.

    Args:
        concepts: C.
        limit: most different pairs that are kept, 16 bytes each; 0 for no pairs.
    """

    def __init__(self, concepts: int, limit: int) -> None:
        self.concepts, self.limit = concepts, limit
        self.complete = limit > 0
        self._codes, self._number = _NONE, _NONE
        self._waiting: list[tuple[Ints, Ints]] = []
        self._size = 0

    def add(self, caption: Ints, concept: Ints) -> None:
        """Count the pairs in a batch: (m,) captions ascending, with the concepts in each.

        Args:
            caption: ascending.
            concept: ascending within a caption, none twice.
        """
        for codes in self._pairs(caption, concept):
            if not self.complete:
                return
            codes.sort()
            first = np.flatnonzero(begins(codes))
            self._put(codes[first], np.diff(np.append(first, len(codes))))

    def _pairs(self, caption: Ints, concept: Ints) -> Iterator[Ints]:
        """Codes a * C + b of all pairs, some millions at a time."""
        ends = np.searchsorted(caption, caption, side="right")
        place = np.arange(len(caption))
        later = ends - place - 1  # concepts after this one in its caption
        total = np.cumsum(later)
        begin = 0
        while begin < len(place):
            limit = (total[begin - 1] if begin else 0) + _AT_ONCE
            end = max(begin + 1, int(np.searchsorted(total, limit, side="right")))
            which, partner = ranges(place[begin:end] + 1, later[begin:end])
            if len(which):
                yield concept[begin:end][which] * self.concepts + concept[partner]
            begin = end

    def _put(self, codes: Ints, number: Ints) -> None:
        self._waiting.append((codes, number))
        self._size += len(codes)
        if self._size > max(_AT_ONCE, len(self._codes)):
            self._gather()

    def _gather(self) -> None:
        codes = np.concatenate([self._codes, *(each for each, _ in self._waiting)])
        number = np.concatenate([self._number, *(each for _, each in self._waiting)])
        self._waiting, self._size = [], 0
        order = np.argsort(codes, kind="stable")
        codes, number = codes[order], number[order]
        first = np.flatnonzero(begins(codes))
        self._codes = codes[first]
        self._number = np.add.reduceat(number, first) if len(first) else _NONE
        if len(self._codes) > self.limit:
            self._codes, self._number, self.complete = _NONE, _NONE, False

    def merge(self, other: PairCounts) -> None:
        """Add the pairs of another part of the corpus."""
        codes, number = other.coded()
        self.restore(codes, number, complete=other.complete)

    def restore(self, codes: Ints, number: Ints, *, complete: bool) -> None:
        """Add what ``coded`` gave."""
        self.complete = self.complete and complete
        if self.complete:
            self._put(codes, number)
        else:
            self._codes, self._number, self._waiting = _NONE, _NONE, []

    def coded(self) -> tuple[Ints, Ints]:
        """Codes a * C + b, ascending, and the captions with both."""
        if self._waiting:
            self._gather()
        return self._codes, self._number

    def pairs(self) -> Pairs:
        """Concepts a < b by a, then b, and the captions with both."""
        codes, number = self.coded()
        a, b = np.divmod(codes, self.concepts)
        return a, b, number
