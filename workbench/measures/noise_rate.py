"""How many labels of each kind are wrong, and which: confident learning pruned by noise rate.

The confident joint counts only images that reach a threshold. Scaled up to all images of a class
it estimates how many carry the label i and are truly j; so many are taken, those that look most
like j instead of i. Images are read in blocks, so memory is that of one block and of one entry an
image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.types import Floats, Rows

__all__ = ["Blocks", "NoiseCounts", "most_doubtful", "noise_counts"]

Blocks = Callable[[], Iterable[tuple[int, Floats]]]


@dataclass(frozen=True)
class NoiseCounts:
    """Estimated wrong labels of each (given, guessed) cell, sorted by the given class.

    Args:
        given: int64 (K,), the class that the label names.
        guessed: int64 (K,), another class that such images truly are of.
        count: int64 (K,), how many, above 0.
    """

    given: Rows
    guessed: Rows
    count: Rows

    def __len__(self) -> int:
        return len(self.given)


def noise_counts(
    labels: NDArray[Any], confident: NDArray[Any], classes: int, *, least: int = 1
) -> NoiseCounts:
    """Estimate the number of wrong labels of each (given, guessed) cell.

    Each row of the confident joint is scaled to the number of images with that label, the images
    that no threshold counted included; a row counts at least one image as right. Whole numbers by
    largest remainder, so that a row keeps its sum. A class keeps ``least`` images: the emptiest
    cells give way first.

    Args:
        labels: (N,) given classes; -1 for none.
        confident: (N,) class that each image is confidently counted as; -1 for none.
        classes: C.
        least: images that a class keeps at least.

    Source: Northcutt, Jiang and Chuang, JAIR 2021, sections 3.1 (calibrated joint) and 3.2 (prune
    by noise rate).
    """
    counted = (labels >= 0) & (confident >= 0)
    cells, numbers = np.unique(
        labels[counted].astype(np.int64) * classes + confident[counted], return_counts=True
    )
    rows, columns = np.divmod(cells, classes)
    sizes = np.bincount(labels[labels >= 0], minlength=classes)
    found: list[tuple[Rows, Rows, Rows]] = []
    starts = np.searchsorted(rows, np.arange(classes + 1))
    for label in np.unique(rows[rows != columns]):
        part = slice(starts[label], starts[label + 1])
        off = columns[part] != label
        counts = _row(numbers[part][off], int(numbers[part][~off].sum()), int(sizes[label]), least)
        kept = counts > 0
        others = columns[part][off][kept]
        found.append((np.full(len(others), label), others, counts[kept]))
    if not found:
        none = np.empty(0, dtype=np.int64)
        return NoiseCounts(none, none, none)
    return NoiseCounts(
        *(np.concatenate(each).astype(np.int64) for each in zip(*found, strict=True))
    )


def _row(off: Rows, right: int, size: int, least: int) -> Rows:
    """Whole numbers for the cells off the diagonal of one row that has ``size`` images."""
    row = np.array([max(right, 1), *off], dtype=np.int64)
    counts, remainder = np.divmod(row * size, row.sum())
    rest = size - int(counts.sum())
    counts[np.argsort(-remainder, kind="stable")[:rest]] += 1
    wrong: Rows = counts[1:]
    for cell in np.argsort(wrong, kind="stable"):
        over = int(wrong.sum()) - max(0, size - least)
        if over <= 0:
            break
        wrong[cell] -= min(over, int(wrong[cell]))
    return wrong


def most_doubtful(blocks: Blocks, labels: NDArray[Any], cells: NoiseCounts) -> NDArray[np.bool_]:
    """Which images the cells take: bool (N,).

    Each cell takes as many as its count of the images with its given label: those whose guessed
    class is the most probable above the given one; of equals, the first.

    Args:
        blocks: gives (first place, probabilities (b, C)) from the first image to the last.
        labels: (N,) given classes; -1 for none.
        cells: of ``noise_counts``.
    """
    taken = np.zeros(len(labels), dtype=bool)
    if not len(cells):
        return taken
    lowest = np.full(len(cells), -np.inf)
    cell, place = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    margin = np.empty(0, dtype=np.float64)
    for start, probabilities in blocks():
        new = _candidates(start, probabilities, labels, cells, lowest)
        if not len(new[0]):
            continue
        cell, place = np.concatenate([cell, new[0]]), np.concatenate([place, new[1]])
        margin = np.concatenate([margin, new[2]])
        order = np.lexsort((place, -margin, cell))
        cell, place, margin = cell[order], place[order], margin[order]
        rank = np.arange(len(cell)) - np.searchsorted(cell, cell)
        kept = rank < cells.count[cell]
        last = rank == cells.count[cell] - 1
        lowest[cell[last]] = margin[last]
        cell, place, margin = cell[kept], place[kept], margin[kept]
    taken[place] = True
    return taken


def _candidates(
    start: int,
    probabilities: Floats,
    labels: NDArray[Any],
    cells: NoiseCounts,
    lowest: NDArray[np.float64],
) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """(cell, image, margin) of a block's images for the cells that would still take them."""
    given = labels[start : start + len(probabilities)]
    first, last = (np.searchsorted(cells.given, given, side) for side in ("left", "right"))
    width = last - first
    row = np.repeat(np.arange(len(given)), width)
    cell = np.arange(len(row)) - np.repeat(np.cumsum(width) - width - first, width)
    margin = probabilities[row, cells.guessed[cell]].astype(np.float64)
    margin -= probabilities[row, given[row]]
    better = margin > lowest[cell]  # of equals the earlier ones are in already
    return cell[better], row[better] + start, margin[better]
