"""The numbers of one direction of retrieval, from the ranks of its right answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.measures.bootstrap import grouped_mean_intervals
from workbench.measures.ranking import Ranking, hit_chance
from workbench.measures.truths import Truths
from workbench.types import Rows

__all__ = ["KS", "DirectionMeasures", "summary"]

KS = (1, 5, 10)
"""The customary depths of recall."""


@dataclass(frozen=True)
class DirectionMeasures:
    """How well one side finds the other.

    Args:
        n: queries that have a right answer.
        gallery: results ranked for each query.
        recall: k -> share of queries with a right answer among the first k, in [0, 1]; where
            scores tie, the expected share over random orders of the ties. 1 for k >= gallery.
        interval: k -> 95% bootstrap interval of the recall; images are drawn with their captions.
        chance: k -> recall@k of a random ranking.
        median_rank, mean_rank: of the best right answer, 1 is first; ties give half places.
        mrr: mean of 1 / rank, in (0, 1].
        tied: queries whose best right answer ties with a wrong one.
    """

    n: int
    gallery: int
    recall: Mapping[int, float]
    interval: Mapping[int, tuple[float, float]]
    chance: Mapping[int, float]
    median_rank: float
    mean_rank: float
    mrr: float
    tied: int

    def names(self) -> dict[str, float]:
        """Name -> value, flat: ``n``, ``recall@1`` ..., ``median_rank``, ``mean_rank``, ``mrr``."""
        recalls = {f"recall@{k}": value for k, value in self.recall.items()}
        ranks = {"median_rank": self.median_rank, "mean_rank": self.mean_rank, "mrr": self.mrr}
        return {"n": self.n, **recalls, **ranks}


def summary(
    ranking: Ranking,
    truths: Truths,
    groups: Rows,
    *,
    ks: Sequence[int] = KS,
    resamples: int = 1000,
    seed: int = 0,
) -> DirectionMeasures:
    """The numbers of one direction.

    Args:
        ranking: of the queries that have a right answer.
        truths: what was right, for the chance level.
        groups: int64 (queries of ``truths``,), the image that each query belongs to.
        ks: depths of recall.
        resamples: bootstrap samples behind the intervals.
        seed: of the bootstrap.
    """
    hits = np.stack([ranking.hit_chance(k) for k in ks], axis=1)
    bounds = grouped_mean_intervals(
        hits, groups[ranking.queries], resamples=resamples, seed=seed
    ).tolist()
    rank, n = ranking.rank, len(ranking.queries)
    counts = truths.counts[ranking.queries]
    nothing = np.zeros_like(counts)
    chances = [hit_chance(nothing, ranking.gallery - counts, counts, k) for k in ks]
    nan = float("nan")
    return DirectionMeasures(
        n=n,
        gallery=ranking.gallery,
        recall={
            k: float(column.mean()) if n else nan for k, column in zip(ks, hits.T, strict=True)
        },
        interval={k: (low, high) for k, (low, high) in zip(ks, bounds, strict=True)},
        chance={k: float(c.mean()) if n else nan for k, c in zip(ks, chances, strict=True)},
        median_rank=float(np.median(rank)) if n else nan,
        mean_rank=float(rank.mean()) if n else nan,
        mrr=float((1 / rank).mean()) if n else nan,
        tied=int(np.count_nonzero(ranking.tied)),
    )
