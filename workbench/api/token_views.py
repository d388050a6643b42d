"""One image and its caption, token by token: what the page Image and sentence shows of them."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.api.routing import Routing
from workbench.api.routing_results import Box, SideTokens
from workbench.experts.records import MODALITIES

__all__ = ["SamePlaces", "TokenViews"]


@dataclass(frozen=True)
class SamePlaces:
    """How alike one layer routes two inputs of a kind, by their tokens' first choices.

    Args:
        layer: number of the block.
        n: places that both have.
        same: share of them with the same expert; NaN without any.
        chance: the share to be expected if each kept its experts and places were shuffled.
        overlap: sum over experts of the smaller of both inputs' shares, in [0, 1].
    """

    layer: int
    n: int
    same: float
    chance: float
    overlap: float


class TokenViews(Routing):
    """Questions about the tokens of single items."""

    def seen_picture(self, key: str, row: int, *, grey: bool = False, size: int = 320) -> str:
        """An item's picture as the model saw it, cropped or with a margin, as a data address.

        Args:
            key: of a recording.
            row: of the item.
            grey: without its colours, so that colours can be laid over it.
            size: pixels of the longest side of the picture before cropping, at most.

        Raises:
            UnknownName: no such recording.
            InputError: the item has no image.
        """
        run = self._routed(key)
        data = self.workspace.thumbs.get(run.params["dataset"], row, size=size)
        return _cropped(data, self._seen(run, [row])[row], grey=grey)

    def usual_routing(self, key: str) -> NDArray[np.float64]:
        """What a token gets on average: (L, 2, E), rows sum to 1; NaN for a modality without any.

        The mean of the routers' distributions; of a router that gives none, the share of choices.

        Raises:
            UnknownName: no such recording.
        """
        sums = self.recorded(key)
        return _of_modality(np.where(np.isnan(sums.soft), sums.loads, sums.soft))

    def choice_shares(self, key: str) -> NDArray[np.float64]:
        """p(expert | modality) of the choices, kept or not: (L, 2, E), as ``usual_routing``.

        Raises:
            UnknownName: no such recording.
        """
        return _of_modality(self.recorded(key).loads)

    def alike(self, key: str, row: int, other: int) -> dict[str, tuple[SamePlaces, ...]]:
        """How alike two items of a recording are routed: by modality that both have, by layer.

        Raises:
            UnknownName: no such recording.
            InputError: one of them was not recorded.
        """
        first, second = self.input_tokens(key, row), self.input_tokens(key, other)
        found = {}
        for name in MODALITIES:
            a, b = getattr(first, name), getattr(second, name)
            if a is not None and b is not None:
                found[name] = tuple(
                    _alike(layer, a, b, nth) for nth, layer in enumerate(first.layers)
                )
        return found


def _of_modality(mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L, E, 2) as shares of each modality's sum, (L, 2, E)."""
    total = mass.sum(axis=1, keepdims=True)
    mean = np.divide(mass, total, out=np.full(mass.shape, np.nan), where=total > 0)
    shares: NDArray[np.float64] = mean.transpose(0, 2, 1)
    return shares


def _cropped(data: bytes, seen: Box, *, grey: bool) -> str:
    """The part of a picture that was seen, as a PNG in a data address."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    wide, high = image.size
    box = [round(share * side) for share, side in zip(seen, (wide, high) * 2, strict=True)]
    part = image.crop((box[0], box[1], max(box[2], box[0] + 1), max(box[3], box[1] + 1)))
    buffer = io.BytesIO()
    (part.convert("L") if grey else part).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _alike(layer: int, first: SideTokens, second: SideTokens, nth: int) -> SamePlaces:
    _, here, there = np.intersect1d(first.positions, second.positions, return_indices=True)
    one, two = first.experts[nth, :, 0], second.experts[nth, :, 0]
    count = int(max(one.max(initial=-1), two.max(initial=-1))) + 1
    a, b = _shares(one[one >= 0], count), _shares(two[two >= 0], count)
    seen = (one[here] >= 0) & (two[there] >= 0)
    same = one[here][seen] == two[there][seen]
    return SamePlaces(
        layer=layer,
        n=int(seen.sum()),
        same=float(same.mean()) if len(same) else float("nan"),
        chance=float((a * b).sum()),
        overlap=float(np.minimum(a, b).sum()),
    )


def _shares(experts: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.bincount(experts, minlength=count) / max(1, len(experts))
    return found
