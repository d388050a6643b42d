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
        codes = term * size + inner
        back = np.isin(inner * size + term, codes)
        kept = (owner[term] != owner[inner]) & ~back
        starts = np.searchsorted(term[kept], np.arange(size + 1))
        return cls(starts.astype(np.int64), inner[kept])


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
    concept, new_caption = owner[term], begins(caption)
    first = new_caption | begins(concept)
    nth = np.cumsum(new_caption) - 1
    others = (np.bincount(nth[first]) - 1)[nth] if len(nth) else np.zeros(0, dtype=np.int64)
    number = within.starts[term + 1] - within.starts[term]
    rows = np.flatnonzero((others > 0) & (number > 0))
    if len(rows):
        which, place = ranges(within.starts[term[rows]], number[rows])
        codes = caption * len(owner) + term
        wanted = caption[rows][which] * len(owner) + within.inner[place]
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        there = codes[at] == wanted
        group = np.cumsum(first) - 1  # one for each concept of each caption
        terms = np.bincount(group)
        cells, met = np.unique(which[there] * len(terms) + group[at[there]], return_counts=True)
        row, cell = np.divmod(cells, len(terms))
        covered = met == terms[cell]  # all of the concept's terms are within this one
        others[rows] -= np.bincount(row[covered], minlength=len(rows))
    found: NDArray[np.bool_] = others == 0
    return found
