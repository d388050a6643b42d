"""Groups of mistakes that have something in common, and what that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.over_represented import Excess, over_represented
from workbench.types import Floats, Rows

__all__ = ["PairSlice", "Slice", "class_slices", "embedding_slices"]

_ROUNDS = 50
_SETTLED = 0.9


@dataclass(frozen=True)
class Slice:
    """Mistakes whose embeddings are alike, or differ alike from those of their class.

    Args:
        members: int64, places among the M mistakes, the nearest to the centre first.
        words: (word, score) of what sets the slice apart, the best first; the score is the cosine
            of the word with the direction from the mean of all images to the mean of the slice.
        excesses: values of the group columns that the slice has more often than all images.
        cohesion: mean cosine of the members with their centre, in [-1, 1].
        answers: wrong answers that the slice has more often than all images have them.
    """

    members: Rows
    words: tuple[tuple[str, float], ...]
    excesses: tuple[Excess, ...]
    cohesion: float
    answers: tuple[Excess, ...] = ()


@dataclass(frozen=True)
class PairSlice:
    """Mistakes with one wrong answer that have a group value more often than all images do.

    A class whose wrong answers gather on one background has learned the background.

    Args:
        predicted: the class that was answered wrongly.
        excess: the value, how often it occurs, and how surprising that is.
    """

    predicted: int
    excess: Excess


def embedding_slices(
    images: Floats,
    mistakes: Rows,
    groups: Mapping[str, Sequence[Any]],
    words: Sequence[str],
    word_vectors: Floats,
    *,
    truth: NDArray[Any] | None = None,
    answers: Sequence[str] = (),
    slices: int | None = None,
    seed: int = 0,
) -> tuple[Slice, ...]:
    """Mistakes clustered by their embeddings (spherical k-means), the most surprising slice first.

    With the true classes, the mean of its class is taken out of each image first. What is left is
    how it differs from its like (its background, its style), so a slice holds mistakes of many
    classes that have this in common, and its words are the classes that it is mistaken for or
    that were learned with it. Without them, a slice holds images that look alike.

    Ordered by the smallest corrected p of a slice's group values, then by size.

    Args:
        images: float32 (N, D), unit rows of all images that were evaluated.
        mistakes: int64 (M,), which of them were answered wrongly.
        groups: column -> N values.
        words: W words to describe slices with.
        word_vectors: float32 (W, D), their unit text vectors.
        truth: (N,) true classes, -1 for none; an image without one, or alone in its class, is held
            against the mean of all.
        answers: N answers, or none.
        slices: number of clusters; the root of M / 2, from 2 to 20, when None.
        seed: the same seed gives the same slices.

    Returns:
        At most ``slices`` slices; none without mistakes.

    Raises:
        InputError: vectors of different length, or words without vectors.

    Source: spherical k-means, I. Dhillon and D. Modha, 2001; description of a slice by the text
    that lies in the direction of its mean, after S. Eyuboglu et al., Domino, 2022.
    """
    if len(words) != len(word_vectors) or images.shape[1] != word_vectors.shape[1]:
        got = f"{len(words)} words, vectors {word_vectors.shape}, images {images.shape}"
        raise InputError("words of slices", expected="a (W, D) vector for each word", got=got)
    if not len(mistakes):
        return ()
    wanted = slices or int(np.clip(round((len(mistakes) / 2) ** 0.5), 2, 20))
    images = images if truth is None else _apart(images, np.asarray(truth))
    vectors = images[mistakes].astype(np.float32)
    assigned, centres = _clustered(vectors, min(wanted, len(mistakes)), seed)
    mean = images.mean(axis=0, dtype=np.float64).astype(np.float32)
    found = []
    for cluster in np.unique(assigned):
        members = np.flatnonzero(assigned == cluster)
        near = vectors[members] @ centres[cluster]
        part = np.zeros(len(images), dtype=bool)
        part[mistakes[members]] = True
        found.append(
            Slice(
                members=members[np.argsort(-near, kind="stable")],
                words=_described(vectors[members].mean(axis=0) - mean, words, word_vectors),
                excesses=over_represented(groups, part),
                cohesion=float(near.mean()),
                answers=over_represented({"answer": answers}, part) if len(answers) else (),
            )
        )
    return tuple(sorted(found, key=_surprise))


def _apart(images: Floats, truth: NDArray[Any]) -> Floats:
    """Unit direction from the mean of its class to each image: float32 (N, D); 0 where it is it."""
    known = np.flatnonzero(truth >= 0)
    classes = int(truth.max(initial=-1)) + 1
    counts = np.bincount(truth[known], minlength=classes)
    sums = np.zeros((classes, images.shape[1]), dtype=np.float64)
    np.add.at(sums, truth[known], images[known])
    means = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    alone = (truth < 0) | (counts[truth] < 2)
    found = images.astype(np.float32)
    found[~alone] -= means[truth[~alone]]
    found[alone] -= images.mean(axis=0, dtype=np.float64).astype(np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    directions: Floats = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 1e-6)
    return directions


def _surprise(found: Slice) -> tuple[float, int]:
    return (found.excesses[0].p_corrected if found.excesses else 1.0, -len(found.members))


def _described(
    direction: Floats, words: Sequence[str], word_vectors: Floats, most: int = 8
) -> tuple[tuple[str, float], ...]:
    length = float(np.linalg.norm(direction))
    if length == 0 or not len(words):
        return ()
    scores = word_vectors @ (direction / length)
    best = np.argsort(-scores, kind="stable")[:most]
    return tuple((words[i], float(scores[i])) for i in best)


def _clustered(vectors: Floats, clusters: int, seed: int) -> tuple[Rows, Floats]:
    """Cluster of each row and the unit centres; starts as k-means++ does, on cosine distance."""
    rng = np.random.default_rng(seed)
    centres = _starts(vectors, clusters, rng)
    assigned = np.full(len(vectors), -1, dtype=np.int64)
    for _ in range(_ROUNDS):
        near = vectors @ centres.T
        now = near.argmax(axis=1)
        if np.array_equal(now, assigned):
            break
        assigned = now
        for cluster in range(clusters):
            mean = vectors[assigned == cluster].sum(axis=0)
            length = np.linalg.norm(mean)
            if length > 0:  # an empty cluster keeps its centre
                centres[cluster] = mean / length
    return assigned, centres


def _starts(vectors: Floats, clusters: int, rng: np.random.Generator) -> Floats:
    chosen = [int(rng.integers(len(vectors)))]
    distance = 1 - vectors @ vectors[chosen[0]]
    while len(chosen) < clusters:
        weight = np.clip(distance, 0, None).astype(np.float64)
        if weight.sum() <= 0:
            break  # fewer distinct vectors than clusters
        chosen.append(int(rng.choice(len(vectors), p=weight / weight.sum())))
        distance = np.minimum(distance, 1 - vectors @ vectors[chosen[-1]])
    centres: Floats = vectors[chosen].copy()
    return np.concatenate([centres, centres[: max(0, clusters - len(chosen))]])


def class_slices(
    predicted: NDArray[Any],
    mistake: NDArray[np.bool_],
    groups: Mapping[str, Sequence[Any]],
    *,
    truth: NDArray[Any] | None = None,
    least: int = 3,
) -> tuple[PairSlice, ...]:
    """Wrong answers that gather on one value of a group column, the most surprising first.

    Args:
        predicted: (N,) the class answered for each image.
        mistake: bool (N,), whether that was wrong.
        groups: column -> N values.
        truth: (N,) true classes, -1 for none. With them a column is left out that the class
            settles (its ``group``, say): answers that gather there are of alike classes, which is
            no sign of a background that was learned.
        least: images that a slice has at least.
    """
    if truth is not None:
        known = np.asarray(truth)
        groups = {name: v for name, v in groups.items() if not _settled(v, known)}
    found = []
    for answer in np.unique(predicted[mistake]):
        part = mistake & (predicted == answer)
        if part.sum() >= least:
            excesses = over_represented(groups, part, least=least)
            found += [PairSlice(int(answer), excess) for excess in excesses]
    return tuple(sorted(found, key=lambda s: (s.excess.p, -s.excess.lift, s.predicted)))


def _settled(values: Sequence[Any], truth: NDArray[Any]) -> bool:
    """Whether images of a class nearly always have the same value, nine in ten of them.

    Classes of one image tell nothing.
    """
    by_class: dict[int, dict[Any, int]] = {}
    for label, value in zip(truth.tolist(), values, strict=True):
        if label >= 0 and value is not None:
            counts = by_class.setdefault(label, {})
            counts[value] = counts.get(value, 0) + 1
    several = [counts for counts in by_class.values() if sum(counts.values()) > 1]
    images = sum(sum(counts.values()) for counts in several)
    return images > 0 and sum(max(counts.values()) for counts in several) >= _SETTLED * images
