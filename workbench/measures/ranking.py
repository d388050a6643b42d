"""Where the right results stand in each query's ranking, in blocks that fit in memory.

Scores nearer to one another than ``TIE`` count as tied, because float32 products of the same two
vectors differ by that much with the order of summation. Ties are not decided by row number, which
would reward or punish a model for the order of the files; see ``Ranking`` for what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.truths import Truths
from workbench.types import Floats, Rows

__all__ = ["TIE", "Blocks", "Ranking", "products", "rank_truths"]

TIE = 1e-6
"""Cosines closer than this are tied."""

_CELLS = 1 << 24
"""Scores held at once: 64 MiB of float32."""

Blocks = Iterator[tuple[int, Floats]]
"""(first query, scores (b, G)) for consecutive blocks of queries."""


@dataclass(frozen=True)
class Ranking:
    """The place of the best right result of each query, and what stands before it.

    Queries without any right result are left out: ``queries`` says which remain.

    Args:
        queries: int64 (Q,), row of each query among those given.
        better: int64 (Q,), wrong results that score above the best right one.
        tied: int64 (Q,), wrong results tied with it.
        truths: int64 (Q,), right results tied with the best one, itself included (>= 1).
        truth: int64 (Q,), gallery row of the best right result.
        truth_score: float32 (Q,), its score.
        distractors: int64 (Q, K), the wrong results that score above or equal, best first; -1 pads.
        distractor_scores: float32 (Q, K), theirs; -inf pads.
        gallery: number of results ranked.
    """

    queries: Rows
    better: Rows
    tied: Rows
    truths: Rows
    truth: Rows
    truth_score: Floats
    distractors: Rows
    distractor_scores: Floats
    gallery: int

    @property
    def rank(self) -> NDArray[np.float64]:
        """float64 (Q,): rank of the best right result, 1 is first; with ties the mean over orders.

        Of ``truths`` right and ``tied`` wrong results in random order, the first right one stands
        after ``tied / (truths + 1)`` wrong ones on average.
        """
        return np.asarray(1.0 + self.better + self.tied / (self.truths + 1.0))

    @property
    def place(self) -> Rows:
        """int64 (Q,): the last place the best right result may take, 1 + all that beat or tie it.

        Above 1 exactly when there is a distractor to show.
        """
        return 1 + self.better + self.tied

    def hit_chance(self, k: int) -> NDArray[np.float64]:
        """float64 (Q,) in [0, 1]: whether a right result is among the first k.

        0 or 1 without ties; with ties the probability over their random orders. ``k`` beyond the
        gallery gives 1.
        """
        return hit_chance(self.better, self.tied, self.truths, k)


def hit_chance(better: Rows, tied: Rows, truths: Rows, k: int) -> NDArray[np.float64]:
    """Probability that one of ``truths`` results stands in the first k, after ``better`` others.

    One minus the share of the orders in which the k - better places hold only ``tied`` ones:
    C(tied, j) / C(tied + truths, j), written as a product over the truths.
    """
    drawn = np.clip(k - better, 0, tied + truths)
    miss = np.ones(len(better))
    for i in range(int(truths.max(initial=0))):
        left = tied + truths - i
        factor = np.maximum(left - drawn, 0) / np.maximum(left, 1)
        miss *= np.where(i < truths, factor, 1.0)
    return 1.0 - miss


def products(queries: NDArray[Any], gallery: NDArray[Any]) -> Blocks:
    """Inner products of queries (Q, D) with a gallery (G, D), float32, block by block."""
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        got = f"{queries.shape} and {gallery.shape}"
        raise InputError("vectors", expected="(Q, D) and (G, D)", got=got)
    turned = gallery.astype(np.float32, copy=False).T
    size = block_size(len(gallery))
    for start in range(0, len(queries), size):
        yield start, queries[start : start + size].astype(np.float32, copy=False) @ turned


def block_size(gallery: int) -> int:
    """Queries in one block, so that a block of scores stays within 64 MiB."""
    return max(1, _CELLS // max(1, gallery))


def rank_truths(
    blocks: Blocks,
    *truths: Truths,
    distractors: int = 5,
    progress: Callable[[int], None] | None = None,
) -> tuple[Ranking, ...]:
    """Rank the right results of every query, for one or several notions of right.

    Args:
        blocks: scores of the queries in order, larger is nearer; see ``products``.
        truths: each says which results are right; all of the same queries and gallery.
        distractors: how many wrong results to keep for each query.
        progress: called with the number of queries done; may raise to stop.

    Returns:
        One ranking for each of ``truths``.

    Raises:
        InputError: scores that are not finite, or not of the shape that the truths say.
    """
    parts: list[list[Ranking]] = [[] for _ in truths]
    done = 0
    for start, scores in blocks:
        stop = start + len(scores)
        _check(scores, start, truths)
        for found, right in zip(parts, truths, strict=True):
            rows = np.arange(start, stop)
            found.append(
                _rank(scores, rows[right.counts[start:stop] > 0], start, right, distractors)
            )
        done = stop
        if progress is not None:
            progress(done)
    if any(len(right) != done for right in truths):
        raise InputError("scores", expected=f"{len(truths[0])} queries", got=str(done))
    return tuple(
        _joined(found, right, distractors) for found, right in zip(parts, truths, strict=True)
    )


def _check(scores: Floats, start: int, truths: tuple[Truths, ...]) -> None:
    for right in truths:
        if scores.ndim != 2 or scores.shape[1] != right.gallery or len(right) < start + len(scores):
            expected = f"(at most {len(right) - start}, {right.gallery})"
            raise InputError("scores", expected=expected, got=str(scores.shape))
    if not np.isfinite(scores.sum(dtype=np.float64)) and not np.isfinite(scores).all():
        row = start + int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])
        raise InputError("scores", expected="finite numbers", got=f"others for query {row}")


def _rank(scores: Floats, rows: Rows, start: int, right: Truths, keep: int) -> Ranking:
    """Rank the queries ``rows`` (each has a truth) whose scores stand in one block."""
    mine = right.take(rows)
    lines = scores if len(rows) == len(scores) else scores[rows - start]
    owner = np.repeat(np.arange(len(rows)), mine.counts)
    values = lines[owner, mine.columns]
    best = np.maximum.reduceat(values, mine.starts[:-1]) if len(rows) else values
    level = (values >= best[owner] - TIE).astype(np.int64)
    truths = np.add.reduceat(level, mine.starts[:-1]) if len(rows) else level
    above = np.count_nonzero(lines > (best + TIE)[:, None], axis=1)
    level_or_above = np.count_nonzero(lines >= (best - TIE)[:, None], axis=1)
    first = np.flatnonzero(values == best[owner])
    truth = mine.columns[first[np.unique(owner[first], return_index=True)[1]]]
    shown = _distractors(lines, mine, owner, level_or_above - truths, keep)
    return Ranking(rows, above, level_or_above - above - truths, truths, truth, best, *shown,
                   right.gallery)  # fmt: skip


def _distractors(
    lines: Floats, mine: Truths, owner: Rows, beaten: Rows, keep: int
) -> tuple[Rows, Floats]:
    """The first ``keep`` wrong results of each query that score no less than its truth."""
    rows = np.full((len(lines), keep), -1, dtype=np.int64)
    scores = np.full((len(lines), keep), -np.inf, dtype=np.float32)
    failed = np.flatnonzero(beaten > 0)
    if keep == 0 or len(failed) == 0:
        return rows, scores
    wrong = lines[failed]
    inside = np.isin(owner, failed)
    wrong[np.searchsorted(failed, owner[inside]), mine.columns[inside]] = -np.inf
    width = min(keep, mine.gallery)
    top = np.argpartition(wrong, mine.gallery - width, axis=1)[:, mine.gallery - width :]
    values = np.take_along_axis(wrong, top, axis=1)
    order = np.lexsort((top, -values), axis=1)
    top = np.take_along_axis(top, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    shown = np.arange(width) < beaten[failed, None]
    rows[failed, :width] = np.where(shown, top, -1)
    scores[failed, :width] = np.where(shown, values, -np.inf)
    return rows, scores


def _joined(parts: list[Ranking], right: Truths, keep: int) -> Ranking:
    if not parts:
        none, empty = np.zeros(0, np.int64), np.zeros((0, keep))
        parts = [Ranking(none, none, none, none, none, none.astype(np.float32),
                         empty.astype(np.int64), empty.astype(np.float32), 0)]  # fmt: skip
    names = ("queries", "better", "tied", "truths", "truth", "truth_score",
             "distractors", "distractor_scores")  # fmt: skip
    columns = {n: np.concatenate([getattr(part, n) for part in parts]) for n in names}
    return Ranking(**columns, gallery=right.gallery)
