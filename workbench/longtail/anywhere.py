"""Terms whose words may stand anywhere in a caption: the rarest word leads, the others are checked.

The captions with the rarest word of a term are its candidates. Most fall away by a comparison of
64 bits; the rest stay while each other word is among the (caption, word) pairs of the batch. Which
word leads is learnt from the batches and changes the time, never the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.longtail.codes import begins, distinct, ranges
from workbench.longtail.concepts import Ints
from workbench.longtail.trie import Hits

__all__ = ["Anywhere"]


Bits = NDArray[np.uint64]


def _bit(word: Ints) -> Bits:
    """One of 64 bits for each word: a caption that lacks the bit lacks the word."""
    return np.left_shift(np.uint64(1), (word & 63).astype(np.uint64))


def _bits_of(caption: Ints, word: Ints) -> Bits:
    """By caption, up to the last that has a word: the bits of its words. Captions ascend."""
    bits = np.zeros(int(caption[-1]) + 1 if len(caption) else 0, dtype=np.uint64)
    first = np.flatnonzero(begins(caption))
    if len(first):
        bits[caption[first]] = np.bitwise_or.reduceat(_bit(word), first)
    return bits


@dataclass(frozen=True)
class _Plan:
    """For each word the terms that it leads (``terms[start[w]:start[w + 1]]``)."""

    start: Ints
    terms: Ints
    others: tuple[Ints, ...]
    """By number of the further word: (L,) that word of each term, -1 where it has no more."""
    bits: Bits
    """(L,) the bits of all further words of each term, see ``_bit``."""


class Anywhere:
    """L terms as sets of words.

    Args:
        words: (T,) number of each word of all terms; a word twice in a term counts once.
        term: (T,) term of each word. A term without words is never found.
        terms: L.
        vocabulary: V.
    """

    def __init__(self, words: Ints, term: Ints, terms: int, vocabulary: int) -> None:
        codes = distinct(term * vocabulary + words)
        self._term, self._word = np.divmod(codes, max(vocabulary, 1))
        self.terms, self.vocabulary = terms, vocabulary
        self._frequency = np.zeros(vocabulary, dtype=np.int64)
        self._planned = 0
        self._plan = self._make_plan()

    def _make_plan(self) -> _Plan:
        order = np.lexsort((self._word, self._frequency[self._word], self._term))
        word, term = self._word[order], self._term[order]
        starts = np.searchsorted(term, np.arange(self.terms + 1))
        lengths = np.diff(starts)
        some = np.flatnonzero(lengths)
        lead = word[starts[some]]
        by_lead = np.argsort(lead, kind="stable")
        others = []
        for nth in range(1, int(lengths.max(initial=0))):
            further = np.full(self.terms, -1, dtype=np.int64)
            have = np.flatnonzero(lengths > nth)
            further[have] = word[starts[have] + nth]
            others.append(further)
        begin = np.searchsorted(lead[by_lead], np.arange(self.vocabulary + 1))
        bits = np.zeros(self.terms, dtype=np.uint64)
        for further in others:
            bits |= np.where(further < 0, np.uint64(0), _bit(further))
        return _Plan(begin, some[by_lead], tuple(others), bits)

    def _learn(self, words: Ints) -> None:
        """Count the words, and choose anew which lead whenever the total is four times as large."""
        self._frequency = self._frequency + np.bincount(words, minlength=self.vocabulary)
        total = int(self._frequency.sum())
        if total >= 4 * self._planned:
            self._planned = max(total, 1)
            self._plan = self._make_plan()

    def find(self, words: NDArray[np.int32], caption: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Captions and terms that match, each pair once, and the words (V,) that occur.

        Args:
            words: (T,) number of each word of the captions, -1 for words of no term.
            caption: (T,) caption of each word.
        """
        known = np.flatnonzero(words >= 0)
        present = distinct(caption[known] * self.vocabulary + words[known])
        where_of_word, word = np.divmod(present, max(self.vocabulary, 1))
        self._learn(word)
        plan = self._plan  # another thread may put a new one in its place
        begin = plan.start[word]
        number = plan.start[word + 1] - begin
        which, place = ranges(begin, number)
        where, term = where_of_word[which], plan.terms[place]
        likely = (_bits_of(where_of_word, word)[where] & plan.bits[term]) == plan.bits[term]
        where, term = where[likely], term[likely]
        for other in plan.others:
            further = other[term]
            code = where * self.vocabulary + further
            at = np.minimum(np.searchsorted(present, code), len(present) - 1)
            kept = (further < 0) | (present[at] == code)
            where, term = where[kept], term[kept]
        return where, term, np.bincount(word, minlength=self.vocabulary) > 0

    def places(self, words: NDArray[np.int32]) -> Hits:
        """The words of one caption that belong to a term found in it, as hits of one word."""
        _, terms, _ = self.find(words, np.zeros(len(words), dtype=np.int64))
        mine = np.isin(self._term, terms)
        at, which = np.nonzero(words[:, None] == self._word[mine][None, :])
        return Hits(at, np.ones(len(at), dtype=np.int64), self._term[mine][which])
