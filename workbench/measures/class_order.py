"""An order of the classes in which those that are taken for one another stand together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.types import Rows

__all__ = ["class_order"]

_CLUSTERED = 2000  # classes; average linkage needs C^2 numbers


def class_order(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    count: NDArray[Any],
    paths: Sequence[Sequence[str]],
) -> Rows:
    """A permutation of the classes: int64 (C,).

    By the hierarchy where every class has ancestors. Otherwise by average-linkage clustering of
    the confusions (both directions added), up to 2,000 classes; above, each class follows the one
    it is most confused with.

    Args:
        truth: (S,) the cells of the confusion matrix that are not empty.
        predicted: (S,).
        count: (S,).
        paths: C paths of ancestors; empty ones where there is no hierarchy.
    """
    classes = len(paths)
    if classes and all(paths):
        return np.array(sorted(range(classes), key=lambda c: (tuple(paths[c]), c)), dtype=np.int64)
    off = truth != predicted
    truth, predicted, count = truth[off], predicted[off], count[off]
    if classes <= 2 or not len(truth):
        return np.arange(classes, dtype=np.int64)
    if classes > _CLUSTERED:
        return _chained(truth, predicted, count, classes)
    return _clustered(truth, predicted, count, classes)


def _clustered(
    truth: NDArray[Any], predicted: NDArray[Any], count: NDArray[Any], classes: int
) -> Rows:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    near = np.zeros((classes, classes))
    np.add.at(near, (truth, predicted), count)
    near += near.T
    distance = 1 / (1 + near)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    return np.asarray(leaves_list(tree), dtype=np.int64)


def _chained(
    truth: NDArray[Any], predicted: NDArray[Any], count: NDArray[Any], classes: int
) -> Rows:
    """Groups joined by their fullest confusions, one after the other."""
    group = list(range(classes))
    members = {c: [c] for c in range(classes)}
    for cell in np.argsort(-count, kind="stable"):
        one, two = group[int(truth[cell])], group[int(predicted[cell])]
        if one != two:
            for c in members[two]:
                group[c] = one
            members[one] += members.pop(two)
    return np.array([c for chain in members.values() for c in chain], dtype=np.int64)
