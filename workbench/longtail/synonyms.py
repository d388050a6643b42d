"""What a class is called, and what that does: accuracy with each synonym, and the gain of a name.

Axes: C concepts, L terms (names and synonyms, in the order of ``Concepts.flat``), N images.
Accuracies and gains are in percent and percentage points, as everywhere in this package.

Source: Parashar et al., The Neglected Tails in Vision-Language Models, CVPR 2024, section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.concepts import Concepts
from workbench.measures.compare import mcnemar
from workbench.measures.interval import Measure, mean_measure
from workbench.types import Rows

__all__ = ["ClassGain", "Gain", "Spoken", "agreement", "gain", "per_synonym"]

_CLASSES = 2000
"""Classes whose draws are held at once: 2,000 x 1,000 draws x 3 numbers are 48 MB."""


@dataclass(frozen=True)
class Spoken:
    """One way to say one class.

    Args:
        concept: place of the class.
        term: the word or words.
        captions: how many contain it.
        accuracy: of the class when it is called so, in percent; NaN where it was not measured.
        given: it is the name that the class set gives.
        most_frequent: it is the term that captions use most; ties go to the earlier one.
    """

    concept: int
    term: str
    captions: int
    accuracy: float
    given: bool
    most_frequent: bool


def per_synonym(
    concepts: Concepts, by_term: NDArray[Any], accuracy: NDArray[Any]
) -> tuple[Spoken, ...]:
    """Every term with its captions and the accuracy that its class has under it: L rows.

    Args:
        concepts: C concepts.
        by_term: (L,) captions with each term.
        accuracy: (L,) percent, of the class called by that term while the others keep their
            names; NaN where it was not measured.

    Raises:
        InputError: numbers that are not one a term, or an accuracy outside [0, 100].
    """
    by_term, accuracy = _checked(concepts, by_term, accuracy)
    rows = []
    for place, (terms, part) in enumerate(_parts(concepts)):
        best = part.start + int(np.argmax(by_term[part]))
        for nth, term in zip(range(part.start, part.stop), terms, strict=True):
            captions, value = int(by_term[nth]), float(accuracy[nth])
            rows.append(Spoken(place, term, captions, value, nth == part.start, nth == best))
    return tuple(rows)


def agreement(
    concepts: Concepts, by_term: NDArray[Any], accuracy: NDArray[Any], *, seed: int = 0
) -> Measure:
    """How often the more frequent of two names of one class is the more accurate one, in [0, 1].

    Of each class all pairs of terms with different counts are compared; equal accuracies count
    one half. The mean over the classes with at least one such pair; 0.5 says that frequency tells
    nothing. The interval is by bootstrap over classes, and ``n`` counts them.

    Args:
        concepts: C concepts.
        by_term: (L,).
        accuracy: (L,) percent; NaN leaves the term out.
        seed: of the interval.

    Raises:
        InputError: as ``per_synonym``.
    """
    by_term, accuracy = _checked(concepts, by_term, accuracy)
    shares = []
    for _, part in _parts(concepts):
        known = ~np.isnan(accuracy[part])
        often, right = by_term[part][known], accuracy[part][known]
        more = often[:, None] > often
        wins = np.where(right[:, None] > right, 1.0, np.where(right[:, None] == right, 0.5, 0.0))
        if more.any():
            shares.append(float(wins[more].mean()))
    return mean_measure(np.array(shares), seed=seed)


def _parts(concepts: Concepts) -> list[tuple[tuple[str, ...], slice]]:
    """The terms of each concept, and where they lie among all L."""
    ends = np.cumsum([len(terms) for terms in concepts.terms]).tolist()
    starts = [0, *ends[:-1]]
    parts = [slice(*bounds) for bounds in zip(starts, ends, strict=True)]
    return list(zip(concepts.terms, parts, strict=True))


def _checked(
    concepts: Concepts, by_term: NDArray[Any], accuracy: NDArray[Any]
) -> tuple[Rows, NDArray[np.float64]]:
    counts, values = np.asarray(by_term, np.int64), np.asarray(accuracy, np.float64)
    terms = sum(len(each) for each in concepts.terms)
    if not counts.shape == values.shape == (terms,):
        got = f"shapes {counts.shape} and {values.shape}"
        raise InputError("counts and accuracies of terms", expected=f"{terms} of each", got=got)
    bad = np.flatnonzero((values < 0) | (values > 100))
    if bad.size:
        got = f"{values[bad[0]]:g} for {concepts.flat()[0][int(bad[0])]!r}"
        raise InputError("accuracies of terms", expected="percent, 0 to 100", got=got)
    return counts, values


@dataclass(frozen=True)
class ClassGain:
    """What new names do to one class.

    Args:
        concept: place of the class.
        name: the given name.
        term: what it is called now.
        before: accuracy under the given names, in percent; NaN without images.
        after: accuracy under the new ones.
        difference: after - before in points, with a 95% interval paired over its images.
        p: of McNemar's test that neither set of names is better for it.
    """

    concept: int
    name: str
    term: str
    before: float
    after: float
    difference: Measure
    p: float

    @property
    def renamed(self) -> bool:
        """Its own name changed; a class that kept its name is still moved by its neighbours'."""
        return self.term != self.name


@dataclass(frozen=True)
class Gain:
    """What new names do to all images and to each class.

    Args:
        images: gain in accuracy over all N images, in points, with a paired 95% interval.
        classes: mean over the classes with images of their own gains; images are drawn within
            each class. ``n`` counts images.
        p: of McNemar's test over all images.
        fixed: int64, places of the images that only the new names get right.
        broken: int64, places of those that only the given names get right.
        per_class: C gains, in the order of the concepts.
    """

    images: Measure
    classes: Measure
    p: float
    fixed: Rows
    broken: Rows
    per_class: tuple[ClassGain, ...]

    @property
    def gaining(self) -> tuple[ClassGain, ...]:
        """Classes that are better with the new names, the largest gain first."""
        found = [each for each in self.per_class if each.difference.value > 0]
        return tuple(sorted(found, key=lambda each: -each.difference.value))

    @property
    def losing(self) -> tuple[ClassGain, ...]:
        """Classes that are worse with the new names, the largest loss first."""
        found = [each for each in self.per_class if each.difference.value < 0]
        return tuple(sorted(found, key=lambda each: each.difference.value))


def gain(
    concepts: Concepts,
    terms: Sequence[str],
    truth: NDArray[Any],
    before: NDArray[Any],
    after: NDArray[Any],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Gain:
    """Compare the answers under the given names with those under new ones, image by image.

    Args:
        concepts: C concepts.
        terms: C new names, such as ``Counts.most_frequent()``.
        truth: (N,) classes in [0, C).
        before: (N,) answers under ``concepts.names``.
        after: (N,) answers under ``terms``.
        resamples: bootstrap draws of images.
        seed: the same seed gives the same intervals.

    Raises:
        InputError: no image, lists of different length, or a class that is not there.
    """
    truth, before, after = (np.asarray(each) for each in (truth, before, after))
    _check_answers(len(concepts), terms, truth, before, after)
    right, now = before == truth, after == truth
    groups = [now & ~right, right & ~now, right & now]
    fixed, broken, both = (np.bincount(truth[g], minlength=len(concepts)) for g in groups)
    sizes = np.bincount(truth, minlength=len(concepts))
    rng = np.random.default_rng(seed)
    sums = fixed.sum(keepdims=True), broken.sum(keepdims=True), sizes.sum(keepdims=True)
    total = _measures(*sums, resamples, rng)
    each, mean = _by_class(fixed, broken, sizes, resamples, rng)
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = 100 * (both + broken) / sizes, 100 * (both + fixed) / sizes
    rows = [
        ClassGain(
            place,
            concepts.names[place],
            terms[place],
            float(first[place]),
            float(second[place]),
            each[place],
            mcnemar(int(fixed[place]), int(broken[place])),
        )
        for place in range(len(concepts))
    ]
    return Gain(
        images=total[0],
        classes=mean,
        p=mcnemar(int(fixed.sum()), int(broken.sum())),
        fixed=np.flatnonzero(groups[0]),
        broken=np.flatnonzero(groups[1]),
        per_class=tuple(rows),
    )


def _check_answers(
    size: int, terms: Sequence[str], truth: NDArray[Any], before: NDArray[Any], after: NDArray[Any]
) -> None:
    if len(terms) != size:
        raise InputError("new names", expected=f"{size}, one a class", got=str(len(terms)))
    if not truth.shape == before.shape == after.shape or truth.ndim != 1 or not truth.size:
        got = f"shapes {truth.shape}, {before.shape} and {after.shape}"
        raise InputError("answers", expected="answers to the same images, (N,)", got=got)
    if truth.min() < 0 or truth.max() >= size:
        got = f"{truth.min()} to {truth.max()}"
        raise InputError("true classes", expected=f"places in [0, {size})", got=got)


def _draws(
    fixed: Rows, broken: Rows, sizes: Rows, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Resampled gains in points, (resamples, C); 0 for a class without images.

    Drawing n of n images that are fixed, broken or neither is a multinomial draw, exactly.
    """
    shares = np.stack([fixed, broken], axis=1) / np.maximum(sizes, 1)[:, None]
    thirds = np.concatenate([shares, 1 - shares.sum(axis=1, keepdims=True)], axis=1)
    drawn = rng.multinomial(sizes, np.clip(thirds, 0, 1), size=(resamples, len(sizes)))
    found: NDArray[np.float64] = 100 * (drawn[..., 0] - drawn[..., 1]) / np.maximum(sizes, 1)
    return found


def _measures(
    fixed: Rows, broken: Rows, sizes: Rows, resamples: int, rng: np.random.Generator
) -> list[Measure]:
    drawn = _draws(fixed, broken, sizes, resamples, rng)
    return _summed(100 * (fixed - broken) / np.maximum(sizes, 1), drawn, sizes)


def _by_class(
    fixed: Rows, broken: Rows, sizes: Rows, resamples: int, rng: np.random.Generator
) -> tuple[list[Measure], Measure]:
    """The gain of each class, and the mean of those with images."""
    found: list[Measure] = []
    total = np.zeros(resamples)
    for start in range(0, len(sizes), _CLASSES):
        part = slice(start, start + _CLASSES)
        drawn = _draws(fixed[part], broken[part], sizes[part], resamples, rng)
        values = 100 * (fixed[part] - broken[part]) / np.maximum(sizes[part], 1)
        found += _summed(values, drawn, sizes[part])
        total += drawn.sum(axis=1)
    shown = np.array([each.value for each in found if each.n])
    mean = total[:, None] / len(shown)
    return found, _summed(np.array([shown.mean()]), mean, sizes.sum(keepdims=True))[0]


def _summed(values: NDArray[Any], drawn: NDArray[np.float64], sizes: Rows) -> list[Measure]:
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    nan = float("nan")
    return [
        Measure(float(value), float(a), float(b), int(n)) if n else Measure(nan, nan, nan, 0)
        for value, a, b, n in zip(values, low, high, sizes, strict=True)
    ]
