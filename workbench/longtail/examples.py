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
        hopeful = numbers[place] < self._first[concept, -1]
        place, concept = place[hopeful], concept[hopeful]
        order = np.lexsort((numbers[place], concept))
        place, concept = place[order], concept[order]
        kept = self._put(numbers[place], concept)
        rows = distinct(place[kept])
        texts = captions.take(pa.array(rows)).to_pylist()
        entered = zip(numbers[rows].tolist(), texts, strict=True)
        self._texts.update({number: (text or "")[:_LONGEST] for number, text in entered})
        self._forget()

    def _put(self, number: Ints, concept: Ints) -> np.ndarray:
        """Take numbers in, sorted by concept and then number; gives those that may have entered."""
        starts = np.flatnonzero(begins(concept))
        rank = np.arange(len(concept)) - np.repeat(starts, np.diff(np.append(starts, len(concept))))
        kept = rank < self._first.shape[1]
        rows = concept[starts]
        new = np.full((len(rows), self._first.shape[1]), _EMPTY, dtype=np.int64)
        new[np.searchsorted(rows, concept[kept]), rank[kept]] = number[kept]
        self._keep_least(rows, new)
        return kept

    def _keep_least(self, rows: Ints, new: Ints) -> None:
        both = np.concatenate([self._first[rows], new], axis=1)
        self._first[rows] = np.sort(both, axis=1)[:, : self._first.shape[1]]

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
