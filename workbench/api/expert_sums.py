"""What stands in the figures of a recording's layers and experts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.experts.entropies import Entropies, entropies
from workbench.experts.intervals import Intervals, Null, intervals, null
from workbench.experts.records import IMAGE, TEXT, Recorded
from workbench.experts.shares import Shares, shares

__all__ = ["ExpertSums", "summed"]

_DRAWS = 400
"""Bootstrap samples and shuffles behind what a page shows: their ends are good to two digits."""


@dataclass(frozen=True)
class ExpertSums:
    """What stands in the figures of a recording's layers.

    Args:
        layers: L block numbers.
        shares: p(expert | modality) and what follows from it.
        entropies: of the routers' distributions.
        intervals: of the shares and the divergence, over inputs drawn again.
        null: what shuffled modalities give.
        tokens: (L, E, 2), tokens that chose an expert.
        kept: (L, E, 2), those that found room.
        dropped: (L, 2), share of choices without room; NaN for a modality without tokens.
        confidence: int (L, 2, 20), tokens by the largest probability.
        order: int (L, E), experts from image to text, dead ones last.
        both: whether images and texts were recorded, so that there is something to compare.
    """

    layers: tuple[int, ...]
    shares: Shares
    entropies: Entropies
    intervals: Intervals
    null: Null
    tokens: NDArray[np.float64]
    kept: NDArray[np.float64]
    dropped: NDArray[np.float64]
    confidence: NDArray[np.int64]
    order: NDArray[np.int64]
    both: bool

    def at(self, layer: int) -> int:
        """Place of a block among the layers (it must be there)."""
        return self.layers.index(layer)

    def rows(self) -> list[dict[str, float | int | None]]:
        """The figures of each layer as a table; None where there is none."""
        return [self._row(place) for place in range(len(self.layers))]

    def _row(self, at: int) -> dict[str, float | int | None]:
        said, sure = self.shares, self.entropies
        row: dict[str, float | int | None] = {
            "block": self.layers[at],
            "jsd_bits": _known(said.jsd[at]),
            "jsd_low": _known(self.intervals.jsd[at, 0]),
            "jsd_high": _known(self.intervals.jsd[at, 1]),
            "jsd_chance": _known(self.null.high[at]),
            "nmi": _known(said.nmi[at]),
            "nmi_low": _known(self.intervals.nmi[at, 0]),
            "nmi_high": _known(self.intervals.nmi[at, 1]),
            "mutual_bits": _known(said.mutual[at]),
            "text_share": _known(said.text_share[at]),
            "overlap": _known(said.overlap[at]),
            "dead": int(said.dead[at].sum()),
        }
        for m, name in ((IMAGE, "image"), (TEXT, "text")):
            row |= {
                f"effective_{name}": _known(said.effective[at, m]),
                f"effective_soft_{name}": _known(said.effective_soft[at, m]),
                f"dropped_{name}": _known(self.dropped[at, m]),
                f"local_entropy_{name}": _known(sure.local[at, m]),
                f"global_entropy_{name}": _known(sure.soft[at, m]),
                f"hard_entropy_{name}": _known(sure.hard[at, m]),
            }
        return row

    def expert_rows(self) -> list[dict[str, float | int | bool | None]]:
        """The figures of each expert as a table, layer by layer in ``order``."""
        said = self.shares
        return [
            {
                "block": layer,
                "expert": int(e),
                "modality_index": _known(said.index[at, e]),
                "share_image": _known(said.share[at, e, IMAGE]),
                "share_text": _known(said.share[at, e, TEXT]),
                "share_image_low": _known(self.intervals.share[at, e, IMAGE, 0]),
                "share_image_high": _known(self.intervals.share[at, e, IMAGE, 1]),
                "share_text_low": _known(self.intervals.share[at, e, TEXT, 0]),
                "share_text_high": _known(self.intervals.share[at, e, TEXT, 1]),
                "load": _known(said.load[at, e]),
                "jsd_bits": _known(said.contribution[at, e]),
                "dropped_image": _lost(self.tokens[at, e, IMAGE], self.kept[at, e, IMAGE]),
                "dropped_text": _lost(self.tokens[at, e, TEXT], self.kept[at, e, TEXT]),
                "dead": bool(said.dead[at, e]),
            }
            for at, layer in enumerate(self.layers)
            for e in self.order[at]
        ]


def summed(recorded: Recorded) -> ExpertSums:
    """The figures of every layer and expert."""
    said = shares(recorded)
    index = np.where(said.dead | np.isnan(said.index), 2.0, said.index)
    return ExpertSums(
        layers=tuple(recorded.layers.tolist()),
        shares=said,
        entropies=entropies(recorded),
        intervals=intervals(recorded, draws=_DRAWS),
        null=null(recorded, draws=_DRAWS),
        tokens=recorded.loads,
        kept=recorded.kept,
        dropped=recorded.dropped,
        confidence=recorded.confidence,
        order=np.argsort(index, axis=1, kind="stable"),
        both=bool((recorded.tokens > 0).all()),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _lost(tokens: float, kept: float) -> float | None:
    return float(1 - kept / tokens) if tokens > 0 else None
