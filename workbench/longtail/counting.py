"""Counting concepts in captions, part by part: any cut of a corpus gives the same counts.

    counter = Counter(concepts, "words")
    for table in corpus.batches():
        counter.add(table["caption"], numbers=table["number"])
    counts = counter.counts("my corpus")

Memory depends on the concepts, the pairs that occur together and the longest caption, not on the
number of captions. Matching runs on other threads, also while the next captions are read; numpy
and Arrow let them work together. Whatever is asked of a counter waits for them first.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.alone import alone
from workbench.longtail.codes import begins
from workbench.longtail.concepts import Concepts, Counts, Ints
from workbench.longtail.examples import Examples
from workbench.longtail.matching import Matcher, blocks, matches, spans, strings
from workbench.longtail.pairs import PairCounts
from workbench.longtail.rules import Options, label
from workbench.longtail.saving import read_state, write_state

__all__ = ["Counter", "matches", "spans"]

_MOST_THREADS = 8


@dataclass(frozen=True)
class _Block:
    captions: pa.StringArray
    numbers: Ints


@dataclass(frozen=True)
class _Found:
    """What one block names; all that can be worked out beside the other blocks.

    Args:
        term: int64 (m,), of each match.
        single: int64, terms of the matches in captions that name no other concept.
        caption: int64 (n,), ascending: places of captions, once for each concept in them.
        concept: int64 (n,), these concepts, ascending within a caption.
        matched: captions with a concept.
        seen: as of ``Matches``.
    """

    term: Ints
    single: Ints
    caption: Ints
    concept: Ints
    matched: int
    seen: NDArray[np.bool_]

    @classmethod
    def of(cls, matcher: Matcher, captions: pa.StringArray) -> _Found:
        """Match a block."""
        found = matcher.match(captions)
        concept = matcher.owner.take(found.term)
        new_caption = begins(found.caption)
        kept = np.flatnonzero(new_caption | begins(concept))
        single = np.flatnonzero(alone(found.caption, found.term, matcher.owner, matcher.within))
        return cls(
            found.term,
            found.term.take(single),
            found.caption.take(kept),
            concept.take(kept),
            int(new_caption.sum()),
            found.seen,
        )


class Counter:
    """Counts of one rule over the parts of a corpus.

    The rule on lemmas with ``skip_unknown`` needs to know which words no caption of the whole
    corpus contains. That is known only at the end, so it takes two passes where there are such
    words: ``second_pass`` gives the counter for the second, or None where the first was enough.

    Args:
        concepts: what to count.
        rule: key of a rule, see ``workbench.longtail.rules.RULES``.
        options: of the rule.
        examples: k, captions kept for each concept.
        most_pairs: most different pairs of concepts that are kept (16 bytes each); past it there
            are none. 0 counts no pairs.
        skip: words left out of terms in a second pass.
        threads: how many work at once; 0 for as many as there are cores, at most 8.

    Raises:
        UnknownName: no such rule.
    """

    def __init__(
        self,
        concepts: Concepts,
        rule: str,
        options: Options | None = None,
        *,
        examples: int = 5,
        most_pairs: int = 10_000_000,
        skip: Iterable[str] = (),
        threads: int = 0,
    ) -> None:
        self._begin(Matcher(concepts, rule, options, skip), examples, most_pairs, threads)

    def _begin(self, matcher: Matcher, examples: int, most_pairs: int, threads: int) -> None:
        """Nothing counted yet; counters of one question share the matcher, which takes long."""
        self.matcher, self.concepts, self.options = matcher, matcher.concepts, matcher.options
        concepts = matcher.concepts
        self.threads = threads or min(_MOST_THREADS, len(os.sched_getaffinity(0)))
        self.captions = self._matched = 0
        self._distinct = np.zeros(len(concepts), dtype=np.int64)
        self._by_term = np.zeros(self.matcher.terms, dtype=np.int64)
        self._alone = np.zeros(self.matcher.terms, dtype=np.int64)
        self._seen = np.zeros(len(self.matcher.spelled), dtype=np.bool_)
        self._pairs = PairCounts(len(concepts), most_pairs)
        self._examples = Examples(len(concepts), examples)
        self._pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None
        self._waiting: deque[tuple[_Block, Future[_Found]]] = deque()

    @property
    def rule(self) -> str:
        """Key of the rule with its options, as in ``Counts.rule``."""
        return label(self.matcher.rule, self.options)

    @property
    def examples(self) -> Ints:
        """int64 (C, k): the smallest caption numbers of each concept; -1 where it has fewer."""
        self._settle()
        return self._examples.numbers

    @property
    def texts(self) -> Mapping[int, str]:
        """Caption number -> text, for every number in ``examples``; cut after 2,000 characters."""
        self._settle()
        return self._examples.texts

    def add(
        self,
        captions: Sequence[str | None] | pa.Array | pa.ChunkedArray,
        first: int = 0,
        *,
        numbers: Ints | pa.Array | None = None,
    ) -> None:
        """Count a part of the corpus.

        Args:
            captions: (N,) texts; None is an empty caption.
            first: number of the first caption, the others follow. Numbers name captions in
                ``examples`` and change no count; no caption should come twice.
            numbers: (N,) instead of ``first``, where they have gaps.

        Raises:
            InputError: not as many numbers as captions.
        """
        chunks = strings(captions)
        count = sum(len(chunk) for chunk in chunks)
        given = np.arange(first, first + count) if numbers is None else _whole(numbers)
        if len(given) != count:
            raise InputError("numbers of captions", expected=str(count), got=str(len(given)))
        self.captions += count
        _ = self.matcher.within  # made once, before threads ask for it together
        for part in _parts(chunks, given):
            if self._pool is None:
                self._take(part, _Found.of(self.matcher, part.captions))
                continue
            looking = self._pool.submit(_Found.of, self.matcher, part.captions)
            self._waiting.append((part, looking))
            self._settle(leave=self.threads)

    def _settle(self, leave: int = 0) -> None:
        """Add up the blocks that are being matched, but for the last few."""
        while len(self._waiting) > leave:
            block, found = self._waiting.popleft()
            self._take(block, found.result())

    def _take(self, block: _Block, found: _Found) -> None:
        """Add up one block."""
        self._by_term += np.bincount(found.term, minlength=len(self._by_term))
        self._alone += np.bincount(found.single, minlength=len(self._alone))
        self._distinct += np.bincount(found.concept, minlength=len(self._distinct))
        self._matched += found.matched
        self._pairs.add(found.caption, found.concept)
        self._examples.add(found.caption, found.concept, block.numbers, block.captions)
        if len(found.seen):
            self._seen |= found.seen

    def merge(self, other: Counter) -> None:
        """Add the counts of another part of the same corpus.

        Raises:
            InputError: it counted other concepts, by another rule, or kept other examples.
        """
        if other._asked() != self._asked():
            raise InputError(
                "counts to merge", expected=f"{self._asked()}", got=f"{other._asked()}"
            )
        self._settle()
        other._settle()
        self.captions += other.captions
        self._matched += other._matched
        self._distinct += other._distinct
        self._by_term += other._by_term
        self._alone += other._alone
        self._seen |= other._seen
        self._pairs.merge(other._pairs)
        self._examples.merge(other._examples)

    def _asked(self) -> dict[str, object]:
        """What was to be counted: equal for counters that can be merged."""
        return {
            "concepts": self.concepts.key,
            "rule": self.rule,
            "skip": sorted(self.matcher.skip),
            "examples": self._examples.numbers.shape[1],
            "most_pairs": self._pairs.limit,
        }

    @property
    def unknown(self) -> tuple[str, ...]:
        """Words of the concepts that no caption so far contains; by the rule on lemmas only."""
        self._settle()
        spelled = zip(self.matcher.spelled, self._seen.tolist(), strict=True)
        ordered = self.matcher.rule.ordered
        return () if ordered else tuple(word for word, seen in spelled if not seen)

    def second_pass(self) -> Counter | None:
        """The counter for a second pass over the whole corpus, or None where none is needed."""
        if not self.options.skip_unknown or set(self.unknown) == self.matcher.skip:
            return None
        again = Matcher(self.concepts, self.matcher.rule.key, self.options, self.unknown)
        return self._with(again)

    def blank(self) -> Counter:
        """A counter of the same that has counted nothing, for another part of the corpus."""
        return self._with(self.matcher)

    def _with(self, matcher: Matcher) -> Counter:
        counter = Counter.__new__(Counter)
        examples = self._examples.numbers.shape[1]
        counter._begin(matcher, examples, self._pairs.limit, self.threads)
        return counter

    def counts(self, corpus: str = "") -> Counts:
        """The counts so far.

        Args:
            corpus: its name, for the record.

        Raises:
            InputError: words are to be skipped that no caption contains, and the corpus has not
                been counted without them yet.
        """
        if self.second_pass() is not None:
            raise InputError(
                "counts that skip unknown words",
                expected="a second pass over the corpus",
                got=f"{len(self.unknown)} words that no caption contains",
                do="Count again with the counter that second_pass() gives.",
            )
        self._settle()
        pairs = self._pairs.pairs()
        return Counts(
            self.concepts,
            self.rule,
            corpus,
            self.captions,
            self._matched,
            self._distinct.copy(),
            self._by_term.copy(),
            pairs,
            self._pairs.complete,
            self._alone.copy(),
        )

    def save(self, path: Path) -> None:
        """Write everything counted so far to a file: complete or not at all.

        Raises:
            DiskFull: no room; an older file of this name is untouched.
        """
        self._settle()
        codes, number = self._pairs.coded()
        header = {
            **_told(self.matcher),
            "most_pairs": self._pairs.limit,
            "complete": self._pairs.complete,
            "captions": self.captions,
            "matched": self._matched,
            "texts": [[number, text] for number, text in self.texts.items()],
        }
        arrays = {
            "distinct": self._distinct,
            "by_term": self._by_term,
            "alone": self._alone,
            "seen": self._seen,
            "examples": self.examples,
            "pair_codes": codes,
            "pair_counts": number,
        }
        write_state(path, header, arrays)

    @classmethod
    def load(cls, path: Path, *, like: Counter | None = None, threads: int = 0) -> Counter:
        """The counter that ``save`` wrote, to go on with or to merge.

        Args:
            path: of the file.
            like: a counter whose matcher is taken where it is of the same question: to build one
                for thousands of concepts takes a second.
            threads: as of the counter.

        Raises:
            InputError: there is no such file, or it is damaged or not written by ``save``.
        """
        header, arrays = read_state(path)
        try:
            asked = {name: header[name] for name in ("concepts", "rule", "options", "skip")}
            matcher = None if like is None else like.matcher
            if matcher is None or asked != _told(matcher):
                options = Options(**asked["options"])
                concepts = Concepts.from_json(asked["concepts"])
                matcher = Matcher(concepts, asked["rule"], options, asked["skip"])
            counter = cls.__new__(cls)
            counter._begin(matcher, arrays["examples"].shape[1], header["most_pairs"], threads)
            counter.captions, counter._matched = header["captions"], header["matched"]
            counter._distinct += arrays["distinct"]
            counter._by_term += arrays["by_term"]
            counter._alone += arrays["alone"]
            counter._seen |= arrays["seen"]
            pairs = arrays["pair_codes"], arrays["pair_counts"]
            counter._pairs.restore(*pairs, complete=header["complete"])
            counter._examples.restore(arrays["examples"], dict(header["texts"]))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"{path}", expected="saved counts", got=repr(error)) from error
        return counter


def _told(matcher: Matcher) -> dict[str, Any]:
    """What decides the matches, as JSON-like data."""
    return {
        "concepts": matcher.concepts.to_json(),
        "rule": matcher.rule.key,
        "options": vars(matcher.options),
        "skip": sorted(matcher.skip),
    }


def _whole(numbers: Ints | pa.Array) -> Ints:
    return np.asarray(numbers, dtype=np.int64)


def _parts(chunks: list[pa.StringArray], numbers: Ints) -> Iterator[_Block]:
    first = 0
    for chunk in chunks:
        for begin, block in blocks(chunk):
            at = first + begin
            yield _Block(block, numbers[at : at + len(block)])
        first += len(chunk)
