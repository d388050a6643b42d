"""Balance a corpus by concept as MetaCLIP does: rare concepts stay whole, common ones are thinned.

Each concept passes with probability min(1, t / count). A caption stays when any of its concepts
passes, each drawn on its own, so P(stay) = 1 - product of (1 - p); a caption without any concept
goes. Pairs of caption and concept may come in any order and more than once; each counts once.

Source: Xu et al., Demystifying CLIP Data, ICLR 2024, section 3 and algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.types import Rows

__all__ = [
    "Effective",
    "cap_for_captions",
    "cap_for_share",
    "cap_for_tail",
    "distinct_pairs",
    "effective",
    "keep_probability",
    "probabilities",
    "retrieve",
    "sample",
    "tail_share",
]

Reals = NDArray[np.float64]


def distinct_pairs(
    caption: NDArray[Any], concept: NDArray[Any], concepts: int
) -> tuple[Rows, Rows]:
    """Pairs of caption and concept, sorted by caption and then concept, each once.

    Args:
        caption: whole numbers (m,), from 0.
        concept: whole numbers (m,), in [0, concepts).
        concepts: C.

    Returns:
        int64 captions and int64 concepts, both (d,) with d <= m.

    Raises:
        InputError: lists of different length, a negative caption, or a concept that is not there.
    """
    caption, concept = np.asarray(caption, np.int64), np.asarray(concept, np.int64)
    if caption.ndim != 1 or caption.shape != concept.shape:
        got = f"shapes {caption.shape} and {concept.shape}"
        raise InputError("pairs of caption and concept", expected="two lists (m,)", got=got)
    if caption.size and (caption.min() < 0 or concept.min() < 0 or concept.max() >= concepts):
        expected = f"captions from 0 and concepts in [0, {concepts})"
        got = f"captions from {caption.min()}, concepts {concept.min()} to {concept.max()}"
        raise InputError("pairs of caption and concept", expected=expected, got=got)
    keys = caption * concepts + concept
    if keys.size and not (np.diff(keys) > 0).all():
        keys = np.unique(keys)
    first, second = np.divmod(keys, max(1, concepts))
    return first, second


def probabilities(counts: NDArray[Any], cap: float) -> Reals:
    """The probability with which each concept passes: min(1, cap / count), float64 (C,).

    Args:
        counts: (C,) captions with the concept, finite and not negative; 0 passes with 1.
        cap: t of the paper, above 0; infinity lets everything pass.

    Raises:
        InputError: a count that is missing or negative, or a cap that is not above 0.
    """
    counts = _checked(counts)
    if not cap > 0:
        raise InputError("cap of the balance", expected="a number above 0", got=str(cap))
    found = np.ones(len(counts))
    np.divide(cap, counts, out=found, where=counts > cap)
    return found


def _checked(counts: NDArray[Any]) -> Reals:
    """Counts as float64 (C,); refused when one is missing or negative.

    Raises:
        InputError: naming the place of the first count that cannot be used.
    """
    found = np.asarray(counts, np.float64)
    bad = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
    if found.ndim != 1 or bad.size:
        got = f"{found[bad[0]]} at place {bad[0]}" if bad.size else f"shape {found.shape}"
        do = "Leave concepts without a count out of the balance." if bad.size else ""
        raise InputError("counts of concepts", expected="numbers from 0, (C,)", got=got, do=do)
    return found


def keep_probability(
    caption: NDArray[Any], concept: NDArray[Any], counts: NDArray[Any], cap: float, captions: int
) -> Reals:
    """The probability with which each caption stays: float64 (N,), 0 without any concept.

    Args:
        caption: (m,) in [0, captions).
        concept: (m,) the concept that caption contains.
        counts: (C,) of the whole corpus, also when the pairs are those of one part.
        cap: t.
        captions: N, of the part.

    Raises:
        InputError: as ``distinct_pairs`` and ``probabilities``, or a caption beyond N.
    """
    passing = probabilities(counts, cap)
    caption, concept = distinct_pairs(caption, concept, len(passing))
    if caption.size and caption[-1] >= captions:
        got = str(int(caption[-1]))
        raise InputError("captions to balance", expected=f"numbers below {captions}", got=got)
    return _any_passes(caption, concept, passing, captions)


def _any_passes(caption: Rows, concept: Rows, passing: Reals, captions: int) -> Reals:
    """The probability that at least one concept of each caption passes, for distinct pairs."""
    with np.errstate(divide="ignore"):
        missed = np.log1p(-passing)  # -inf where the concept always passes: the sum stays -inf
    found: Reals = -np.expm1(np.bincount(caption, weights=missed[concept], minlength=captions))
    return found


def sample(keep: Reals, *, seed: int = 0, first: int = 0) -> Rows:
    """The captions that stay, int64 ascending, as one draw of ``keep_probability``.

    One number is drawn a caption and belongs to its place in the corpus, so a corpus in parts
    gives the same sample however it was cut.

    Args:
        keep: (N,) of one part.
        seed: of the draw.
        first: place in the corpus of the first caption of the part.

    Returns:
        Places in the corpus, that is from ``first`` on.
    """
    source = np.random.PCG64(seed)
    source.advance(first)
    drawn = np.random.Generator(source).random(len(keep))
    kept: Rows = np.flatnonzero(drawn < keep).astype(np.int64) + first
    return kept


@dataclass(frozen=True)
class Effective:
    """How often each concept occurs before and after balancing; parts of a corpus add up.

    Args:
        before: int64 (C,), captions with the concept.
        alone: float64 (C,), min(before, cap): what would stay if no caption had two concepts.
        expected: float64 (C,), captions that stay in the mean; at least ``alone``, because a
            caption also stays for another of its concepts.
        actual: int64 (C,), captions that stayed in the sample; all 0 without one.
        captions: read.
        matched: with at least one concept.
        kept: in the sample.
        kept_expected: captions that stay in the mean.
    """

    before: Rows
    alone: Reals
    expected: Reals
    actual: Rows
    captions: int
    matched: int
    kept: int
    kept_expected: float

    @property
    def cut(self) -> Rows:
        """Places of the concepts that are thinned, int64, the most frequent first."""
        places = np.flatnonzero(self.before > self.alone)
        return places[np.argsort(-self.before[places], kind="stable")].astype(np.int64)

    def __add__(self, other: Effective) -> Effective:
        """Two parts of one corpus as one."""
        names = self.__dataclass_fields__
        return Effective(*(getattr(self, name) + getattr(other, name) for name in names))


def effective(
    caption: NDArray[Any],
    concept: NDArray[Any],
    counts: NDArray[Any],
    cap: float,
    captions: int,
    *,
    seed: int = 0,
    first: int = 0,
) -> Effective:
    """Balance one part of a corpus and say what that does to each concept.

    Args:
        caption: (m,) in [0, captions), places inside the part.
        concept: (m,).
        counts: (C,) of the whole corpus.
        cap: t.
        captions: N, of the part.
        seed: of the sample.
        first: place in the corpus of the first caption of the part.

    Raises:
        InputError: as ``keep_probability``.
    """
    size = len(counts)
    caption, concept = distinct_pairs(caption, concept, size)
    keep = keep_probability(caption, concept, counts, cap, captions)
    stays = np.zeros(captions, dtype=bool)
    stays[sample(keep, seed=seed, first=first) - first] = True
    before = np.bincount(concept, minlength=size)
    return Effective(
        before=before,
        alone=before * probabilities(counts, cap),
        expected=np.bincount(concept, keep[caption], size).astype(np.float64),
        actual=np.bincount(concept[stays[caption]], minlength=size),
        captions=captions,
        matched=int((np.bincount(caption, minlength=captions) > 0).sum()),
        kept=int(stays.sum()),
        kept_expected=float(keep.sum()),
    )


def retrieve(
    caption: NDArray[Any],
    concept: NDArray[Any],
    concepts: int,
    each: int,
    *,
    closeness: NDArray[Any] | None = None,
    least: float = 0.0,
    seed: int = 0,
) -> tuple[Rows, Rows]:
    """At most ``each`` captions of every concept: the balanced set of REAL-linear.

    Args:
        caption: (m,).
        concept: (m,) in [0, concepts).
        concepts: C.
        each: captions a concept; a concept with fewer gives all it has.
        closeness: (m,) cosine of each caption with the concept's text, the best first and those
            below ``least`` left out; drawn at random when None. Needs pairs that are distinct.
        least: smallest closeness that is kept.
        seed: of the draw, and of the order among equally close ones.

    Returns:
        int64 captions and int64 concepts, sorted by concept and in it by closeness. A caption
        with two concepts may stand under both.

    Raises:
        InputError: as ``distinct_pairs``; closeness of another length; ``each`` below 1.

    Source: Parashar et al., The Neglected Tails in Vision-Language Models, CVPR 2024, section 4.2.
    """
    if each < 1:
        raise InputError("captions a concept", expected="at least 1", got=str(each))
    if closeness is None:
        caption, concept = distinct_pairs(caption, concept, concepts)
        near = np.zeros(len(caption))
    else:
        near = np.asarray(closeness, np.float64)
        if len(distinct_pairs(caption, concept, concepts)[0]) != len(near):
            expected = "distinct pairs, and one number for each"
            raise InputError("closeness of captions", expected=expected, got=f"{len(near)} numbers")
        close = near >= least
        caption, concept = np.asarray(caption)[close], np.asarray(concept)[close]
        near = near[close]
    chance = np.random.default_rng(seed).random(len(caption))
    order = np.lexsort((chance, -near, concept))
    sizes = np.bincount(concept, minlength=concepts)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = order[place < each]
    return np.asarray(caption[kept], np.int64), np.asarray(concept[kept], np.int64)


def tail_share(counts: NDArray[Any], cap: float) -> float:
    """The share of all matches that belong to concepts below the cap, in [0, 1]: ``t_to_p``.

    A concept with exactly ``cap`` captions is not below it. NaN when nothing was matched.
    """
    counts = _checked(counts)
    total = counts.sum()
    return float(counts[counts < cap].sum() / total) if total else float("nan")


def cap_for_tail(counts: NDArray[Any], share: float) -> float:
    """The cap below which about ``share`` of all matches lie: ``p_to_t``; one of the counts.

    Concepts are taken from the rarest on; the cap is the count of the one up to which the share
    lies nearest, the rarer of two that are equally near. The concept at the cap is included
    here, but not in ``tail_share``, so the two undo each other only up to that concept.

    Raises:
        InputError: a share outside [0, 1], or no match at all.
    """
    ordered = _matched(counts, share)
    reached = np.cumsum(ordered) / ordered.sum()
    return float(ordered[np.abs(reached - share).argmin()])


def cap_for_share(counts: NDArray[Any], share: float) -> float:
    """The cap that keeps this share of all matches: sum of min(count, cap) = share * sum of counts.

    Exact when no caption has two concepts; otherwise more is kept. ``cap_for_captions`` reckons
    with the captions themselves.

    Args:
        counts: (C,).
        share: in (0, 1].

    Raises:
        InputError: a share outside (0, 1], or no match at all.
    """
    ordered = _matched(counts, share, zero=False)
    below = np.concatenate(([0.0], np.cumsum(ordered)[:-1]))  # of the concepts before this one
    larger = np.arange(len(ordered), 0, -1)  # this one and those after it
    wanted = share * ordered.sum()
    place = int(np.searchsorted(below + larger * ordered, wanted))  # the sum with the cap here
    place = min(place, len(ordered) - 1)
    return float(min((wanted - below[place]) / larger[place], ordered[-1]))


def cap_for_captions(
    caption: NDArray[Any], concept: NDArray[Any], counts: NDArray[Any], share: float
) -> int:
    """The smallest whole cap that keeps, in the mean, at least this share of matched captions.

    Found by bisection between 1 and the largest count: about 30 passes over the pairs.

    Args:
        caption: (m,).
        concept: (m,).
        counts: (C,).
        share: in (0, 1].

    Raises:
        InputError: as ``distinct_pairs``; a share outside (0, 1]; or no match at all.
    """
    largest = int(_matched(counts, share, zero=False)[-1])
    caption, concept = distinct_pairs(caption, concept, len(counts))
    names, caption = np.unique(caption, return_inverse=True)
    low, high = 1, max(1, largest)
    while low < high:
        middle = (low + high) // 2
        passing = probabilities(counts, middle)
        kept = _any_passes(caption, concept, passing, len(names)).sum()
        low, high = (low, middle) if kept >= share * len(names) else (middle + 1, high)
    return low


def _matched(counts: NDArray[Any], share: float, *, zero: bool = True) -> Reals:
    """The counts in ascending order, after both were checked."""
    counts = np.sort(_checked(counts))
    if not (0 <= share <= 1) or not (share or zero):
        expected = "a number from 0 to 1" if zero else "a number above 0, at most 1"
        raise InputError("share to keep", expected=expected, got=str(share))
    if not counts.sum():
        do = "Count the concepts in the corpus first, or choose others."
        raise InputError("balance", expected="a concept with captions", got="none", do=do)
    return counts
