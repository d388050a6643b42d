"""Captions × concepts -> which caption names which term, by one of the rules.

Axes: N captions of a batch, C concepts, L terms, T words of the batch, m matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.alone import Within
from workbench.longtail.anywhere import Anywhere
from workbench.longtail.codes import distinct
from workbench.longtail.concepts import Concepts, Ints
from workbench.longtail.lemmas import forms, lemma
from workbench.longtail.normalise import Piece, Words, pieces, split_terms, words_of
from workbench.longtail.rules import Options, Rule, rule_named
from workbench.longtail.trie import Hits, Trie

__all__ = ["Matcher", "Matches", "blocks", "matches", "never", "spans", "strings"]

_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class Matches:
    """Which captions name which terms, each pair once, by caption and then term.

    Args:
        caption: int64 (m,), place of the caption in the batch.
        term: int64 (m,), number of the term in ``Concepts.flat()``.
        seen: bool (V,), words of the concepts that the batch contains; only the rule on lemmas
            needs it, the others leave it empty.
    """

    caption: Ints
    term: Ints
    seen: NDArray[np.bool_]


class Matcher:
    """Finds all terms of the concepts in captions; made once, used for many batches.

    Args:
        concepts: what to look for.
        rule: key of a rule.
        options: of the rule.
        skip: of the rule on lemmas only: words to leave out of the terms. A term of nothing else
            is never found.

    Raises:
        UnknownName: no such rule.
    """

    def __init__(
        self,
        concepts: Concepts,
        rule: str,
        options: Options | None = None,
        skip: Iterable[str] = (),
    ) -> None:
        self.concepts, self.rule = concepts, rule_named(rule)
        self.options = options or Options()
        terms, self.owner = concepts.flat()
        self.terms = len(terms)
        words = split_terms(terms, self.rule.tokens, lower=self.options.lower)
        self.skip = frozenset(skip) if not self.rule.ordered else frozenset()
        self._learn(words)

    def _learn(self, words: Words) -> None:
        """The vocabulary, the forms of its words, and the structure that finds the terms."""
        encoded = words.text.dictionary_encode()
        spelled: list[str] = encoded.dictionary.to_pylist()
        ids = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        self.spelled: tuple[str, ...] = tuple(spelled)
        self._forms, self._word_of = encoded.dictionary, None
        if self.rule.ordered:
            self._trie = Trie.of(ids, words.caption, self.terms, len(spelled))
            return
        single = [lemma(word) for word in spelled]
        self.spelled = tuple(sorted(set(single)))
        number = {word: place for place, word in enumerate(self.spelled)}
        known = [(form, number[word]) for word in self.spelled for form in forms(word)]
        self._forms = pa.array([form for form, _ in known], pa.string())
        self._word_of = np.array([word for _, word in known] + [-1], dtype=np.int32)
        ids = np.array([number[word] for word in single], dtype=np.int64)[ids]
        kept = np.array([word not in self.skip for word in self.spelled], dtype=np.bool_)[ids]
        self._anywhere = Anywhere(ids[kept], words.caption[kept], self.terms, len(self.spelled))

    def _ids(self, text: pa.StringArray) -> NDArray[np.int32]:
        """Number of each word in the vocabulary; -1 for words that no term has."""
        found = pc.index_in(text, value_set=self._forms).fill_null(-1)
        places: NDArray[np.int32] = found.to_numpy(zero_copy_only=False)
        return places if self._word_of is None else self._word_of[places]

    def match(self, captions: pa.StringArray) -> Matches:
        """All matches in one batch; its arrays are of the size of the batch: see ``blocks``."""
        words = words_of(captions, self.rule.tokens, lower=self.options.lower)
        ids = self._ids(words.text)
        if self.rule.ordered:
            hits = self._trie.walk(ids, words.joined)
            codes = words.caption[hits.start] * self.terms + hits.term
            seen = np.zeros(0, dtype=np.bool_)
        else:
            caption, term, seen = self._anywhere.find(ids, words.caption)
            codes = caption * self.terms + term
        codes = distinct(codes)
        caption, term = np.divmod(codes, self.terms)
        return Matches(caption, term, seen)

    @cached_property
    def within(self) -> Within:
        """Which terms name terms of other concepts, as the express train names a train."""
        terms, _ = self.concepts.flat()
        term, inner = _each(self, terms)
        return Within.of(term, inner, self.owner)

    def spans(self, caption: str) -> list[tuple[int, int, int]]:
        """Where the concepts stand in one caption: ``(start, end, concept)``, to mark them.

        ``caption[start:end]`` is the term as written there; by start, then the longer first.
        Spans may overlap. By the rule on lemmas each word of a found term is a span.
        """
        found = pieces(caption, self.rule.tokens, lower=self.options.lower)
        ids = self._ids(pa.array([piece.text for piece in found], pa.string()))
        if self.rule.ordered:
            joined = np.array([piece.joined for piece in found], dtype=np.bool_)
            hits = self._trie.walk(ids, joined)
        else:
            hits = self._anywhere.places(ids)
        return sorted(self._spans(found, hits), key=lambda span: (span[0], -span[1], span[2]))

    def _spans(self, found: list[Piece], hits: Hits) -> set[tuple[int, int, int]]:
        ends = hits.start + hits.length - 1
        owner = self.owner[hits.term]
        places = zip(hits.start.tolist(), ends.tolist(), owner.tolist(), strict=True)
        return {(found[a].start, found[b].end, concept) for a, b, concept in places}


def blocks(captions: pa.StringArray) -> Iterator[tuple[int, pa.StringArray]]:
    """Cut captions into pieces of some megabytes; gives the place of the first, and the piece.

    So memory depends on the longest caption and not on how many come at once.
    """
    count, begin = len(captions), 0
    places = captions.buffers()[1]
    if not count or places is None:
        return
    offset = captions.offset
    ends = np.frombuffer(places, dtype=np.int32)[offset : offset + count + 1]
    while begin < count:
        limit = int(ends[begin]) + _BLOCK_BYTES
        end = max(begin + 1, int(np.searchsorted(ends, limit, side="right")) - 1)
        yield begin, captions.slice(begin, end - begin)
        begin = end


def strings(captions: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> list[pa.StringArray]:
    """Captions of any kind as string arrays of less than 2 GB each.

    Raises:
        InputError: they are no texts.
    """
    try:
        if not isinstance(captions, pa.Array | pa.ChunkedArray):
            captions = pa.array(captions, pa.string())
        chunks = captions.chunks if isinstance(captions, pa.ChunkedArray) else [captions]
        return [each if each.type == pa.string() else each.cast(pa.string()) for each in chunks]
    except (pa.ArrowException, TypeError, UnicodeError) as error:
        raise InputError("captions", expected="texts", got=str(error)) from error


def matches(
    captions: Sequence[str | None] | pa.Array | pa.ChunkedArray,
    concepts: Concepts,
    rule: str,
    options: Options | None = None,
) -> tuple[Ints, Ints]:
    """Which caption names which term: int64 ``(caption (m,), term (m,))``, each pair once.

    By caption, then by term, as numbered in ``concepts.flat()``.
    """
    return _each(Matcher(concepts, rule, options), captions)


def _each(
    matcher: Matcher, captions: Sequence[str | None] | pa.Array | pa.ChunkedArray
) -> tuple[Ints, Ints]:
    """Matches of captions of any number and kind: caption (m,) and term (m,)."""
    found: list[Matches] = []
    first = 0
    for chunk in strings(captions):
        for begin, block in blocks(chunk):
            one = matcher.match(block)
            found.append(Matches(one.caption + (first + begin), one.term, one.seen))
        first += len(chunk)
    none = np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([none, *(each.caption for each in found)]),
        np.concatenate([none, *(each.term for each in found)]),
    )


def spans(
    caption: str, concepts: Concepts, rule: str, options: Options | None = None
) -> list[tuple[int, int, int]]:
    """Where concepts stand in one caption, see ``Matcher.spans``."""
    return Matcher(concepts, rule, options).spans(caption)


def never(concepts: Concepts, rule: str, options: Options | None = None) -> tuple[str, ...]:
    """Terms that no caption can match under this rule: worth a warning before a zero is believed.

    A term without letters and digits; for sub-strings one with punctuation fixed to a word, as
    in "St. John", because captions have blanks put around punctuation.
    """
    chosen: Rule = rule_named(rule)
    terms, _ = concepts.flat()
    lower = (options or Options()).lower
    if chosen.tokens != "spaced":
        kept = set(split_terms(terms, chosen.tokens).caption.tolist())
        return tuple(term for place, term in enumerate(terms) if place not in kept)
    return tuple(
        term
        for term in terms
        if [p.text for p in pieces(term, "spaced", lower=lower)]
        != (term.lower() if lower else term).split(" ")
    )
