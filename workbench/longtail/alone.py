"""Which names stand in a caption with no other concept beside them.

"express train" names a train as well, because the word is in it; that is no other thing in the
caption. So concepts do not count whose terms are all within the term that is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.longtail.codes import begins, ranges
from workbench.longtail.concepts import Ints

__all__ = ["Within", "alone"]


@dataclass(frozen=True)
class Within:
    """Terms of other concepts that a caption with a term names as well, whatever else it says.

    Args:
        starts: int64 (L + 1,), where the inner terms of each term begin in ``inner``.
        inner: int64 (p,).
    """

    starts: Ints
    inner: Ints

    @classmethod
    def of(cls, term: Ints, inner: Ints, owner: Ints) -> Within:
        """From which term names which, found by the rule with the terms as captions.

        Terms of one concept, and terms that name one another (the same word for two concepts),
        are left out.

        Args:
            term: (q,) ascending.
            inner: (q,) terms that it names, ascending within it.
            owner: int64 (L,), concept of each term, ascending.
        """
        size = len(owner)
        others = np.flatnonzero(owner[term] != owner[inner])
        term, inner = term[others], inner[others]
        kept = np.flatnonzero(~_among(inner * size + term, term * size + inner))
        starts = np.searchsorted(term[kept], np.arange(size + 1))
        return cls(starts.astype(np.int64), inner[kept])


def _among(wanted: Ints, codes: Ints) -> NDArray[np.bool_]:
    """For each wanted code whether it is among the codes, which ascend."""
    if not len(codes):
        return np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
    found: NDArray[np.bool_] = codes[at] == wanted
    return found


def alone(caption: Ints, term: Ints, owner: Ints, within: Within) -> NDArray[np.bool_]:
    """For each match whether its caption names no other concept, but by words of its own term.

    Args:
        caption: int64 (m,), ascending.
        term: int64 (m,), ascending within a caption, none twice.
        owner: int64 (L,), concept of each term, ascending.
        within: of the terms.

    Returns:
        bool (m,). A caption "an express train and a train" counts for "express train": that the
        second train stands by itself is not looked at.
    """
    concept, new_caption = owner.take(term), begins(caption)
    first = new_caption | begins(concept)
    group_start = np.flatnonzero(first)  # one group for each concept of each caption
    nth = np.cumsum(new_caption.take(group_start)) - 1
    others_of_group = (np.bincount(nth) - 1).take(nth)
    terms_of_group = np.diff(np.append(group_start, len(term)))
    group = np.cumsum(first) - 1
    others = others_of_group.take(group)
    number = (within.starts[1:] - within.starts[:-1]).take(term)
    rows = np.flatnonzero((others > 0) & (number > 0))
    if len(rows):
        which, place = ranges(within.starts.take(term.take(rows)), number.take(rows))
        codes = caption * len(owner) + term
        wanted = caption.take(rows).take(which) * len(owner) + within.inner.take(place)
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        there = np.flatnonzero(codes.take(at) == wanted)
        # one cell for each group that stands, with some terms, in the term of a row
        cells = np.sort(which.take(there) * len(group_start) + group.take(at.take(there)))
        begin = np.flatnonzero(begins(cells))
        met = np.diff(np.append(begin, len(cells)))
        row, cell = np.divmod(cells.take(begin), len(group_start))
        covered = met == terms_of_group.take(cell)  # all of the concept's terms are within this one
        others[rows] -= np.bincount(row[covered], minlength=len(rows))
    found: NDArray[np.bool_] = others == 0
    return found
