"""How far apart two classes are in a hierarchy: how bad a mistake was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.types import Rows

__all__ = ["hop_distances", "mistake_heights", "path_matrix"]

_CELLS = 1 << 22


def path_matrix(paths: Sequence[Sequence[str]]) -> Rows:
    """Ancestors as numbers: int64 (C, L), the same number for the same ancestor, -1 below the end.

    An ancestor is told by its whole path: two nodes of one name under different parents differ.

    Args:
        paths: C paths from the root down, without the class.
    """
    depth = max((len(path) for path in paths), default=0)
    numbers: dict[tuple[str, ...], int] = {}
    found = np.full((len(paths), depth), -1, dtype=np.int64)
    for row, path in enumerate(paths):
        for level in range(len(path)):
            node = tuple(path[: level + 1])
            found[row, level] = numbers.setdefault(node, len(numbers))
    return found


def mistake_heights(paths: Rows, truth: NDArray[Any], predicted: NDArray[Any]) -> Rows:
    """Height of the lowest common ancestor above the true class: int64 (n,).

    0 for the class itself, 1 for a sibling, one more for each level up; the depth of the true
    class's path plus 1 where the two have nothing in common.

    Args:
        paths: of ``path_matrix``.
        truth: (n,) classes.
        predicted: (n,) classes.

    Source: Bertinetto et al., Making Better Mistakes, CVPR 2020 (their distance is the height of
    the lowest common ancestor).
    """
    own, other = paths[truth], paths[predicted]
    shared = ((own == other) & (own >= 0)).sum(axis=1)
    depth = (own >= 0).sum(axis=1)
    return np.where(truth == predicted, 0, depth - shared + 1)


def hop_distances(paths: Rows) -> NDArray[np.float32]:
    """Steps along the hierarchy between any two classes: float32 (C, C), symmetric, 0 on itself.

    Classes without a common ancestor meet in a root above all.

    Args:
        paths: of ``path_matrix``.
    """
    classes = len(paths)
    depth = (paths >= 0).sum(axis=1)
    found = np.empty((classes, classes), dtype=np.float32)
    step = max(1, _CELLS // max(1, classes * max(1, paths.shape[1])))
    for start in range(0, classes, step):
        own = paths[start : start + step, None, :]
        shared = ((own == paths[None]) & (own >= 0)).sum(axis=2)
        found[start : start + step] = depth[start : start + step, None] + depth + 2 - 2 * shared
    np.fill_diagonal(found, 0)
    return found
