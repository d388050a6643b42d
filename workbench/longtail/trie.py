"""Many word sequences found at once: a tree over words, walked from every position together.

All first words are looked up in one go, then the second words of those that are left, and so on:
as many array operations as the longest term has words, however many terms there are. Exact: words
are compared as numbers of a vocabulary, nothing is hashed to fewer bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.longtail.codes import ranges
from workbench.longtail.concepts import Ints

__all__ = ["Hits", "Trie"]

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Hits:
    """Where terms were found: three int64 arrays of one length, in no particular order.

    Args:
        start: position of the first word.
        length: number of words.
        term: number of the term.
    """

    start: Ints
    length: Ints
    term: Ints


@dataclass(frozen=True)
class Trie:
    """A tree whose nodes are beginnings of terms; node 0 is the empty one.

    The nodes are numbered by depth, then by (parent, word), so edge number e leads to node e + 1
    and the keys of all edges are ascending. ``Trie.of`` builds it.

    Args:
        vocabulary: V, number of words; words are numbered from 0.
        keys: int64, one an edge: parent * V + word, ascending.
        first: (V + 1,) node reached by one word; 0 for none, and for word -1, the last place.
        deeper: bool by node: something follows it.
        term_start: by node and one more: where its terms begin in ``terms``.
        terms: the terms that end at each node, ascending within the node.
    """

    vocabulary: int
    keys: Ints
    first: Ints
    deeper: NDArray[np.bool_]
    term_start: Ints
    terms: Ints

    @classmethod
    def of(cls, words: Ints, term: Ints, terms: int, vocabulary: int) -> Trie:
        """The tree of L terms.

        Args:
            words: (T,) number of each word of all terms, one term after the other.
            term: (T,) term of each word, ascending. A term without words is never found.
            terms: L.
            vocabulary: V.
        """
        starts = np.searchsorted(term, np.arange(terms + 1))
        lengths = np.diff(starts)
        node = np.zeros(terms, dtype=np.int64)
        levels: list[Ints] = []
        nodes = 1
        for depth in range(int(lengths.max(initial=0))):
            here = np.flatnonzero(lengths > depth)
            keys = node[here] * vocabulary + words[starts[here] + depth]
            distinct, place = np.unique(keys, return_inverse=True)
            node[here] = nodes + place
            nodes += len(distinct)
            levels.append(distinct)
        return cls._from_levels(levels, node, np.flatnonzero(lengths), nodes, vocabulary)

    @classmethod
    def _from_levels(
        cls, levels: list[Ints], node: Ints, ending: Ints, nodes: int, vocabulary: int
    ) -> Trie:
        keys = np.concatenate([np.zeros(0, dtype=np.int64), *levels])
        first = np.zeros(vocabulary + 1, dtype=np.int64)
        if levels:
            first[levels[0]] = np.arange(1, len(levels[0]) + 1)
        deeper = np.zeros(nodes, dtype=np.bool_)
        deeper[keys // max(vocabulary, 1)] = True
        order = ending[np.argsort(node[ending], kind="stable")]
        term_start = np.searchsorted(node[order], np.arange(nodes + 1))
        return cls(vocabulary, keys, first, deeper, term_start, order)

    def walk(self, words: Ids, joined: NDArray[np.bool_]) -> Hits:
        """Every occurrence of every term.

        Args:
            words: (T,) number of each word of the captions, -1 for words that no term has.
            joined: (T,) True where a word directly follows the one before it in its caption.
        """
        node = self.first[words]
        start = np.flatnonzero(node)
        node = node[start]
        found: list[tuple[Ints, Ints, Ints]] = []
        length = 1
        while len(start):
            found.append(self._ending(start, node, length))
            start, node = self._step(words, joined, start, node, length)
            length += 1
        parts = [np.concatenate(part) for part in zip(*found, strict=True)]
        return Hits(*parts) if parts else Hits(*(np.zeros(0, dtype=np.int64),) * 3)

    def _ending(self, start: Ints, node: Ints, length: int) -> tuple[Ints, Ints, Ints]:
        begin = self.term_start[node]
        number = self.term_start[node + 1] - begin
        which, place = ranges(begin, number)
        return start[which], np.full(len(which), length), self.terms[place]

    def _step(
        self, words: Ids, joined: NDArray[np.bool_], start: Ints, node: Ints, length: int
    ) -> tuple[Ints, Ints]:
        alive = self.deeper[node] & (start + length < len(words))
        start, node = start[alive], node[alive]
        word = words[start + length]
        alive = joined[start + length] & (word >= 0)
        start, node, word = start[alive], node[alive], word[alive]
        key = node * self.vocabulary + word
        edge = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        hit = self.keys[edge] == key
        return start[hit], edge[hit] + 1
