"""What is counted, and what a counting gives.

Axes: C concepts, L terms (the names and synonyms of all concepts, in the order of the concepts).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = ["Concepts", "Counts", "Ints", "Pairs"]

Ints = NDArray[np.int64]
Pairs = tuple[Ints, Ints, Ints]
"""Concepts a < b that occur together, and the captions with both: three arrays of one length."""


@dataclass(frozen=True)
class Concepts:
    """C concepts in a fixed order, each with every way to say it.

    ``of`` builds them from names and synonyms as a person wrote them.

    Args:
        names: C names.
        terms: C tuples; the name first, then synonyms, none twice. Blanks are single and never
            at an end. Case and hyphens are kept: whether they matter is for the rule to say.

    Raises:
        InputError: no concept, an empty term, a term twice in one concept, a first term that is
            not the name, or fields of different length; the message names the concept.
    """

    names: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise InputError("concepts", expected="at least one concept", got="none")
        if len(self.terms) != len(self.names):
            expected = f"terms for each of {len(self.names)} names"
            raise InputError("concepts", expected=expected, got=f"{len(self.terms)}")
        for place, (name, terms) in enumerate(zip(self.names, self.terms, strict=True), start=1):
            self._check(f"concept {place} ({name!r})", name, terms)

    @staticmethod
    def _check(what: str, name: str, terms: tuple[str, ...]) -> None:
        if not terms or terms[0] != name:
            raise InputError(what, expected="its name as the first term", got=repr(terms[:1]))
        if len(set(terms)) != len(terms):
            raise InputError(what, expected="each term once", got=repr(terms))
        for term in terms:
            half = any("\ud800" <= char <= "\udfff" for char in term)
            if not term or half or term != _tidy(term):
                expected = "a word or words with single blanks between them"
                raise InputError(f"term of {what}", expected=expected, got=repr(term))

    @classmethod
    def of(cls, names: Sequence[str], synonyms: Sequence[Sequence[str]] = ()) -> Concepts:
        """Concepts from C names and, where there are any, C lists of synonyms.

        Blanks at the ends and double blanks are taken out, and so are empty synonyms and those
        that repeat the name or one another. A class set is ``of(classes.names, classes.synonyms)``.

        Raises:
            InputError: no name, an empty name, or lists of different length.
        """
        lists = synonyms or [()] * len(names)
        if len(lists) != len(names):
            expected = f"{len(names)} lists of synonyms, one a name"
            raise InputError("concepts", expected=expected, got=str(len(lists)))
        tidy = tuple(_tidy(name) for name in names)
        terms = tuple(
            tuple(dict.fromkeys([name, *(t for s in also if (t := _tidy(s)))]))
            for name, also in zip(tidy, lists, strict=True)
        )
        return cls(tidy, terms)

    def __len__(self) -> int:
        """C, the number of concepts."""
        return len(self.names)

    @cached_property
    def key(self) -> str:
        """Version by content: 16 hexadecimal digits, equal for equal concepts."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    def flat(self) -> tuple[tuple[str, ...], Ints]:
        """All L terms in order, and for each the number of its concept: int64 (L,), ascending."""
        lengths = [len(terms) for terms in self.terms]
        owner = np.repeat(np.arange(len(self.names), dtype=np.int64), lengths)
        return tuple(term for terms in self.terms for term in terms), owner

    def to_json(self) -> dict[str, Any]:
        """As JSON-like data: ``{"terms": [[name, synonym, ...], ...]}``."""
        return {"terms": [list(terms) for terms in self.terms]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Concepts:
        """The concepts that ``to_json`` gave.

        Raises:
            InputError: it is not what ``to_json`` gives.
        """
        try:
            terms = tuple(tuple(str(term) for term in each) for each in data["terms"])
            names = tuple(each[0] for each in terms)
        except (KeyError, TypeError, IndexError) as error:
            expected = "an object with a list of terms for each concept"
            raise InputError("concepts", expected=expected, got=repr(error)) from error
        return cls(names, terms)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _no_pairs() -> Pairs:
    empty = np.zeros(0, dtype=np.int64)
    return empty, empty, empty


@dataclass(frozen=True)
class Counts:
    """How often each concept occurs in a corpus, by one rule; all numbers are captions, int64.

    A concept that no caption names is a true 0: a counted concept is never missing.

    Args:
        concepts: the C concepts and their L terms.
        rule: key of the matching rule, with its options where they are not the usual ones.
        corpus: name of the corpus.
        captions: captions read, those without any concept included.
        matched: captions with at least one concept.
        distinct: (C,) captions with at least one term of the concept, each caption once.
        by_term: (L,) captions with that term, in the order of ``concepts.flat()``.
        pairs: concepts a < b that occur together and the captions with both, by a, then b.
        pairs_complete: False when there were too many pairs to keep; ``pairs`` is then empty.
        alone: (L,) captions with that term and with no other concept, but those that the term
            itself names: "express train" may name a train. A term that mostly stands
            beside other concepts may mean something else there (the orange of a wall, the ice
            of ice cream); None where it was not counted.

    Raises:
        InputError: arrays that do not have these lengths or are not int64.
    """

    concepts: Concepts
    rule: str
    corpus: str
    captions: int
    matched: int
    distinct: Ints
    by_term: Ints
    pairs: Pairs = field(default_factory=_no_pairs)
    pairs_complete: bool = True
    alone: Ints | None = None

    def __post_init__(self) -> None:
        terms = sum(len(each) for each in self.concepts.terms)
        shapes = {
            "distinct": (self.distinct, len(self.concepts)),
            "by_term": (self.by_term, terms),
            "alone": (self.by_term if self.alone is None else self.alone, terms),
            **{f"pairs[{i}]": (each, len(self.pairs[0])) for i, each in enumerate(self.pairs)},
        }
        for name, (values, length) in shapes.items():
            if values.shape != (length,) or values.dtype != np.int64:
                got = f"{values.dtype} {values.shape}"
                raise InputError(f"{name} of counts", expected=f"int64 ({length},)", got=got)

    def most_frequent(self, *, alone: bool = False) -> tuple[str, ...]:
        """C terms: of each concept the one with most captions.

        Ties go to the earlier term, so the name stays where no term occurs at all.

        Args:
            alone: only captions count that name no other concept.

        Raises:
            InputError: those were not counted.
        """
        by_term = self.by_term
        if alone:
            if self.alone is None:
                raise InputError("counts", expected="captions of one concept alone", got="none")
            by_term = self.alone
        terms, owner = self.concepts.flat()
        starts = np.searchsorted(owner, np.arange(len(self.concepts)))
        parts = np.split(by_term, starts[1:])
        best = starts + np.array([int(part.argmax()) for part in parts])
        return tuple(terms[place] for place in best)
