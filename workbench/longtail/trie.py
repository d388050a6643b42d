"""Many word sequences found at once: a tree over words, walked from every position together.

All first words are looked up in one go, then the second words of those that are left, and so on:
as many array operations as the longest term has words, however many terms there are. Most words
lead nowhere: a small table of bits says so at once, and only what is left is looked up. Exact: the
table never says no to what is there, and what it lets through is compared as whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.longtail.codes import distinct, ranges
from workbench.longtail.concepts import Ints

__all__ = ["Hits", "Trie"]

Ids = NDArray[np.int32]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, near 2 ** 64 over the golden ratio


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
class _Sieve:
    """Which keys are surely not in a set, by one bit of a table for each key of the set.

    Args:
        bits: uint8, eight bits each.
        shift: places by which a key, multiplied, is shifted to the number of its bit.
    """

    bits: NDArray[np.uint8]
    shift: np.uint64

    @classmethod
    def of(cls, keys: Ints) -> _Sieve:
        """The table of these keys, with 8 to 16 bits for each of them."""
        size = max(int(len(keys) - 1).bit_length() + 4, 6)
        marked = np.zeros(1 << size, dtype=np.bool_)
        shift = np.uint64(64 - size)
        marked[(keys.view(np.uint64) * _SPREAD) >> shift] = True
        return cls(np.packbits(marked, bitorder="little"), shift)

    def places(self, keys: Ints) -> NDArray[np.intp]:
        """Ascending places of the keys that may be in the set: all that are, few that are not."""
        bit = ((keys.view(np.uint64) * _SPREAD) >> self.shift).view(np.int64)
        byte = self.bits.take(bit >> 3)
        return np.flatnonzero((byte >> (bit & 7).astype(np.uint8)) & 1)


@dataclass(frozen=True)
class Trie:
    """A tree whose nodes are beginnings of terms; node 0 is the empty one.

    The nodes are numbered by depth, then by (parent, word), so edge number e leads to node e + 1
    and the keys of all edges are ascending. ``Trie.of`` builds it.

    Args:
        vocabulary: V, number of words; words are numbered from 0.
        depth: words of the longest term.
        keys: int64, one an edge: parent * (V + 1) + word + 1, ascending; so the key of no word, -1,
            is the key of no edge.
        sieve: of ``keys``.
        first: int32 (V + 1,) node reached by one word; 0 for none, and for word -1, the last place.
        deeper: bool by node: something follows it.
        term_start: by node and one more: where its terms begin in ``terms``.
        terms: the terms that end at each node, ascending within the node.
    """

    vocabulary: int
    depth: int
    keys: Ints
    sieve: _Sieve
    first: Ids
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
            keys = node[here] * (vocabulary + 1) + words[starts[here] + depth] + 1
            level = distinct(keys)
            node[here] = nodes + np.searchsorted(level, keys)
            nodes += len(level)
            levels.append(level)
        return cls._from_levels(levels, node, np.flatnonzero(lengths), nodes, vocabulary)

    @classmethod
    def _from_levels(
        cls, levels: list[Ints], node: Ints, ending: Ints, nodes: int, vocabulary: int
    ) -> Trie:
        keys = np.concatenate([np.zeros(0, dtype=np.int64), *levels])
        first = np.zeros(vocabulary + 1, dtype=np.int32)
        if levels:
            first[levels[0] - 1] = np.arange(1, len(levels[0]) + 1)
        deeper = np.zeros(nodes, dtype=np.bool_)
        deeper[keys // (vocabulary + 1)] = True
        order = ending[np.argsort(node[ending], kind="stable")]
        term_start = np.searchsorted(node[order], np.arange(nodes + 1))
        sieve = _Sieve.of(keys)
        return cls(vocabulary, len(levels), keys, sieve, first, deeper, term_start, order)

    def walk(self, words: Ids, joined: NDArray[np.bool_]) -> Hits:
        """Every occurrence of every term.

        Args:
            words: (T,) number of each word of the captions, -1 for words that no term has.
            joined: (T,) True where a word directly follows the one before it in its caption.
        """
        reached = self.first.take(words, mode="wrap")
        start = np.flatnonzero(reached)
        node = reached.take(start).astype(np.int64)
        follows = np.zeros(len(words) + self.depth, dtype=np.int32)  # word + 1; 0 for none
        np.multiply(words + 1, joined, out=follows[: len(words)])
        found: list[tuple[Ints, Ints, Ints]] = []
        length = 1
        while len(start):
            found.append(self._ending(start, node, length))
            start, node = self._step(follows, start, node, length)
            length += 1
        parts = [np.concatenate(part) for part in zip(*found, strict=True)]
        return Hits(*parts) if parts else Hits(*(np.zeros(0, dtype=np.int64),) * 3)

    def _ending(self, start: Ints, node: Ints, length: int) -> tuple[Ints, Ints, Ints]:
        begin = self.term_start.take(node)
        number = self.term_start.take(node + 1) - begin
        which, place = ranges(begin, number)
        return start.take(which), np.full(len(which), length), self.terms.take(place)

    def _step(self, follows: Ids, start: Ints, node: Ints, length: int) -> tuple[Ints, Ints]:
        alive = np.flatnonzero(self.deeper.take(node))
        start, node = start.take(alive), node.take(alive)
        key = node * (self.vocabulary + 1) + follows.take(start + length)
        likely = self.sieve.places(key)
        start, key = start.take(likely), key.take(likely)
        edge = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        hit = np.flatnonzero(self.keys.take(edge) == key)
        return start.take(hit), edge.take(hit) + 1
