"""What pages show of recorded routing: statistics of a recording, asked once and kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.api.expert_services import ExpertServices
from workbench.api.expert_sums import ExpertSums, summed
from workbench.experts.film import Film
from workbench.experts.paths import Agreement, PathFigures, agreement, path_figures
from workbench.experts.saturation import marginal_saturation

__all__ = ["ExpertPaths", "ExpertViews"]


@dataclass(frozen=True)
class ExpertPaths:
    """Where tokens go on, and how far images and their captions go together.

    Args:
        layers: L block numbers.
        flow: int (L - 1, 2, E, E), tokens by modality from an expert to one of the next layer.
        figures: path specialisation of each step.
        together: (L, 2, E, E), tokens by modality that chose both; zero for K = 1.
        chosen: (L, E, 2), choices of each expert.
        agreement: of images with their captions, beside shuffled ones.
    """

    layers: tuple[int, ...]
    flow: NDArray[np.int64]
    figures: PathFigures
    together: NDArray[np.int64]
    chosen: NDArray[np.float64]
    agreement: Agreement

    def pairs(self, place: int, *, most: int, alike: bool) -> tuple[tuple[int, float], ...]:
        """(row, agreement) of the items whose image and caption agree most, or least, in a layer.

        Args:
            place: of the layer, from 0.
            most: items at most.
            alike: the most alike first; else the least.
        """
        each = self.agreement.each[:, place]
        order = np.argsort(-each if alike else each, kind="stable")[:most]
        return tuple((int(self.agreement.rows[at]), float(each[at])) for at in order.tolist())


class ExpertViews(ExpertServices):
    """Statistics of recordings, each computed once in this process."""

    def expert_sums(self, key: str) -> ExpertSums:
        """The figures of every layer and expert of a recording.

        Raises:
            UnknownName: no such recording.
        """
        created = self.recording(key).created
        return self._remembered((key, created, "sums"), lambda: summed(self.recorded(key)))

    def expert_paths(self, key: str) -> ExpertPaths:
        """Paths through the layers, and the agreement of images with their captions.

        Raises:
            UnknownName: no such recording.
        """
        created = self.recording(key).created
        return self._remembered((key, created, "paths"), lambda: self._expert_paths(key))

    def _expert_paths(self, key: str) -> ExpertPaths:
        flows, recorded = self.flows(key), self.recorded(key)
        return ExpertPaths(
            layers=flows.layers,
            flow=flows.flow,
            figures=path_figures(flows.flow),
            together=flows.together,
            chosen=recorded.loads * recorded.top_k,
            agreement=agreement(recorded.inputs),
        )

    def film_settled(self, film: Film) -> NDArray[np.float64]:
        """How far each look's shares of experts are those of the last look, (S, L, 2), 0 to 1."""
        return marginal_saturation(film.hard)
