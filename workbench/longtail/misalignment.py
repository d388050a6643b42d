"""What captions say against what images show: integrated counts and the degree of misalignment.

Text pairs name the concepts in a caption, image pairs those that a tagger sees in its image; a
pair is (sample, concept), in any order, and counts once however often it comes. Samples are
numbered alike on both sides.

Source: Udandarao et al., No "Zero-Shot" Without Exponential Data, NeurIPS 2024, sections 2 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.balance import distinct_pairs
from workbench.types import Rows

__all__ = ["Misalignment", "misalignment", "tags"]


@dataclass(frozen=True)
class Misalignment:
    """Both sides of a corpus, or of one part of it; parts that share no sample add up.

    Args:
        text: int64 (C,), samples whose caption has the concept.
        image: int64 (C,), samples whose image has it.
        integrated: int64 (C,), samples with both; at most the smaller of the two.
        samples: in the corpus, those without any concept included.
        with_text: samples whose caption has at least one concept.
        with_image: samples whose image has at least one.
        with_both: samples with a concept on each side, not necessarily the same.
        apart: of those, how many have none in common.
    """

    text: Rows
    image: Rows
    integrated: Rows
    samples: int
    with_text: int
    with_image: int
    with_both: int
    apart: int

    @property
    def by_index(self) -> float:
        """Degree of misalignment: ``apart`` over the larger of ``with_text`` and ``with_image``.

        A share in [0, 1], which the paper's code prints as percent; NaN without any concept.
        """
        larger = max(self.with_text, self.with_image)
        return self.apart / larger if larger else float("nan")

    @property
    def by_corpus(self) -> float:
        """``apart`` over all samples of the corpus, in [0, 1]; NaN without samples."""
        return self.apart / self.samples if self.samples else float("nan")

    @property
    def by_both(self) -> float:
        """``apart`` over the samples that could agree at all, in [0, 1]; NaN without any."""
        return self.apart / self.with_both if self.with_both else float("nan")

    def __add__(self, other: Misalignment) -> Misalignment:
        """Two parts of one corpus as one."""
        names = self.__dataclass_fields__
        return Misalignment(*(getattr(self, name) + getattr(other, name) for name in names))


def misalignment(
    text: tuple[NDArray[Any], NDArray[Any]],
    image: tuple[NDArray[Any], NDArray[Any]],
    *,
    concepts: int,
    samples: int,
) -> tuple[Misalignment, Rows]:
    """Compare both sides of each sample.

    Args:
        text: samples (m,) and concepts (m,) of the captions.
        image: samples (k,) and concepts (k,) of the images.
        concepts: C.
        samples: N, size of the corpus or part; samples are numbered below it.

    Returns:
        the counts; and the samples that stand apart, int64 ascending.

    Raises:
        InputError: lists of different length, or a sample or concept that is not there.
    """
    said, shown = (_keys(each, concepts, samples) for each in (text, image))
    both = np.intersect1d(said, shown, assume_unique=True)
    in_text, in_image, agree = (np.unique(each // concepts) for each in (said, shown, both))
    either = np.intersect1d(in_text, in_image, assume_unique=True)
    apart = np.setdiff1d(either, agree, assume_unique=True)
    counts = [np.bincount(each % concepts, minlength=concepts) for each in (said, shown, both)]
    found = Misalignment(
        text=counts[0],
        image=counts[1],
        integrated=counts[2],
        samples=samples,
        with_text=len(in_text),
        with_image=len(in_image),
        with_both=len(either),
        apart=len(apart),
    )
    return found, apart


def _keys(pairs: tuple[NDArray[Any], NDArray[Any]], concepts: int, samples: int) -> Rows:
    """Each distinct pair as sample * C + concept, ascending."""
    if concepts < 1:
        raise InputError("concepts", expected="at least one concept", got=str(concepts))
    sample, concept = distinct_pairs(*pairs, concepts)
    if sample.size and sample[-1] >= samples:
        got = str(int(sample[-1]))
        raise InputError("samples of the corpus", expected=f"numbers below {samples}", got=got)
    return sample * concepts + concept


def tags(scores: NDArray[Any], threshold: float, *, first: int = 0) -> tuple[Rows, Rows]:
    """Image pairs from a model's own zero-shot scores: every concept at or above the threshold.

    Args:
        scores: (n, C), one row an image; probabilities or cosines, as the threshold.
        threshold: the paper uses 0.7 on the probabilities of its tagger.
        first: number of the first image.

    Returns:
        int64 samples and int64 concepts, by sample and then concept.

    Raises:
        InputError: scores that are not a matrix, or NaN among them.
    """
    if scores.ndim != 2 or np.isnan(scores).any():
        got = f"shape {scores.shape}" if scores.ndim != 2 else "NaN"
        raise InputError("scores of images", expected="numbers (n, C)", got=got)
    sample, concept = np.nonzero(scores >= threshold)
    return sample.astype(np.int64) + first, concept.astype(np.int64)
