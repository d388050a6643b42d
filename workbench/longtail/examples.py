"""The first captions of each concept, with their text: the same however the corpus was cut."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from workbench.longtail.codes import begins, distinct
from workbench.longtail.concepts import Ints

__all__ = ["Examples"]

_EMPTY = np.iinfo(np.int64).max
_LONGEST = 2000


class Examples:
    """For each of C concepts the k captions with the smallest numbers.

    Args:
        concepts: C.
        keep: k.
    """

    def __init__(self, concepts: int, keep: int) -> None:
        self._first = np.full((concepts, keep), _EMPTY, dtype=np.int64)
        self._last = np.full(concepts, _EMPTY, dtype=np.int64)  # the largest of each that is kept
        self._texts: dict[int, str] = {}

    @property
    def numbers(self) -> Ints:
        """(C, k) numbers of captions, ascending; -1 where a concept has fewer."""
        return np.where(self._first == _EMPTY, -1, self._first)

    @property
    def texts(self) -> Mapping[int, str]:
        """Number -> caption, of every example; cut after 2,000 characters."""
        self._forget(always=True)
        return self._texts

    def add(self, place: Ints, concept: Ints, numbers: Ints, captions: pa.StringArray) -> None:
        """Look at a batch.

        Args:
            place: (m,) place of the caption in the batch.
            concept: (m,) a concept that it names; no pair twice.
            numbers: (N,) number of each caption of the batch; none is ever given twice.
            captions: (N,) their texts.
        """
        if not self._first.shape[1]:
            return
        hopeful = np.flatnonzero(numbers.take(place) < self._last.take(concept))
        if not len(hopeful):
            return
        place, concept = place.take(hopeful), concept.take(hopeful)
        number = numbers.take(place)
        order = np.argsort(number, kind="stable") if (np.diff(number) < 0).any() else slice(None)
        by_concept = np.argsort(concept[order], kind="stable")
        place, concept = place[order][by_concept], concept[order][by_concept]
        kept = self._put(numbers.take(place), concept)
        rows = distinct(place[kept])
        texts = captions.take(pa.array(rows)).to_pylist()
        entered = zip(numbers[rows].tolist(), texts, strict=True)
        self._texts.update({number: (text or "")[:_LONGEST] for number, text in entered})
        self._forget()

    def _put(self, number: Ints, concept: Ints) -> np.ndarray:
        """Take numbers in, sorted by concept and then number; gives those that may have entered."""
        first = begins(concept)
        starts = np.flatnonzero(first)
        row = np.cumsum(first) - 1
        rank = np.arange(len(concept)) - starts.take(row)
        kept = np.flatnonzero(rank < self._first.shape[1])
        new = np.full((len(starts), self._first.shape[1]), _EMPTY, dtype=np.int64)
        new[row.take(kept), rank.take(kept)] = number.take(kept)
        self._keep_least(concept.take(starts), new)
        return kept

    def _keep_least(self, rows: Ints, new: Ints) -> None:
        both = np.concatenate([self._first[rows], new], axis=1)
        least = np.sort(both, axis=1)[:, : self._first.shape[1]]
        self._first[rows] = least
        if least.shape[1]:
            self._last[rows] = least[:, -1]

    def _forget(self, *, always: bool = False) -> None:
        """Drop texts that are no example any more; rarely, because it looks at all of them."""
        if always or len(self._texts) > 2 * self._first.size + 1000:
            live = set(self._first.ravel().tolist())
            self._texts = {n: text for n, text in sorted(self._texts.items()) if n in live}

    def merge(self, other: Examples) -> None:
        """Take in the examples of another part of the corpus."""
        self.restore(other.numbers, other.texts)

    def restore(self, numbers: Ints, texts: Mapping[int, str]) -> None:
        """Take in what ``numbers`` and ``texts`` gave."""
        rows = np.arange(len(self._first))
        self._keep_least(rows, np.where(numbers < 0, _EMPTY, numbers))
        self._texts |= texts
        self._forget()
