"""Which concepts occur in one caption together, and how often; kept within a limit of memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.longtail.codes import begins
from workbench.longtail.concepts import Ints, Pairs

__all__ = ["PairCounts"]

_AT_ONCE = 8 << 20  # codes that wait, 8 bytes each, until they are sorted
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
        self._waiting: list[Ints] = []  # codes as they come, not sorted, some many times
        self._size = 0

    def add(self, caption: Ints, concept: Ints) -> None:
        """Count the pairs in a batch: (m,) captions ascending, with the concepts in each.

        Args:
            caption: ascending.
            concept: ascending within a caption, none twice.
        """
        if not self.complete:
            return
        for codes in self._pairs(caption, concept):
            self._waiting.append(codes)
            self._size += len(codes)
            if self._size > max(_AT_ONCE, len(self._codes)):
                self._gather()
            if not self.complete:
                return

    def _pairs(self, caption: Ints, concept: Ints) -> Iterator[Ints]:
        """Codes a * C + b of all pairs: first of neighbours, then of those one further, ..."""
        here, apart = np.arange(len(caption)), 1
        while True:
            here = here[: np.searchsorted(here, len(caption) - apart)]
            here = here.take(np.flatnonzero(caption.take(here) == caption.take(here + apart)))
            if not len(here):
                return
            yield concept.take(here) * self.concepts + concept.take(here + apart)
            apart += 1

    def _gather(self) -> None:
        """Sort what waits, and put it among the counted pairs."""
        codes = np.concatenate([_NONE, *self._waiting])
        self._waiting, self._size = [], 0
        codes.sort()
        first = np.flatnonzero(begins(codes))
        self._put(codes.take(first), np.diff(np.append(first, len(codes))))

    def _put(self, codes: Ints, number: Ints) -> None:
        """Add distinct codes, ascending: known ones are added up, new ones moved in between."""
        if not len(self._codes) and len(codes) <= self.limit:
            self._codes, self._number = codes, number.copy()
            return
        at = np.searchsorted(self._codes, codes)
        known = np.zeros(len(codes), dtype=np.bool_)
        if len(self._codes):
            known = self._codes.take(at, mode="clip") == codes
        new = np.flatnonzero(~known)
        total = len(self._codes) + len(new)
        if total > self.limit:
            self._drop()
            return
        old = np.flatnonzero(known)
        self._number[at.take(old)] += number.take(old)
        place = at.take(new) + np.arange(len(new))
        kept = np.ones(total, dtype=np.bool_)
        kept[place] = False
        before = np.flatnonzero(kept)
        self._codes = _merged(total, before, self._codes, place, codes.take(new))
        self._number = _merged(total, before, self._number, place, number.take(new))

    def _drop(self) -> None:
        self._codes, self._number, self.complete = _NONE, _NONE, False
        self._waiting, self._size = [], 0

    def merge(self, other: PairCounts) -> None:
        """Add the pairs of another part of the corpus."""
        codes, number = other.coded()
        self.restore(codes, number, complete=other.complete)

    def restore(self, codes: Ints, number: Ints, *, complete: bool) -> None:
        """Add what ``coded`` gave."""
        if self.complete and complete:
            self._put(codes, number)
        else:
            self._drop()

    def coded(self) -> tuple[Ints, Ints]:
        """Codes a * C + b, ascending, and the captions with both."""
        if self._waiting:
            self._gather()
        return self._codes, self._number

    def pairs(self) -> Pairs:
        """Concepts a < b by a, then b, and the captions with both."""
        codes, number = self.coded()
        a, b = np.divmod(codes, self.concepts)
        return a, b, number.copy()


def _merged(total: int, before: Ints, old: Ints, place: Ints, new: Ints) -> Ints:
    both = np.empty(total, dtype=np.int64)
    both[before] = old
    both[place] = new
    return both
