"""Attaches to a model's routers while it runs, and hands over what they decided, layer by layer.

with attach(model) as tap:
    model(**inputs)
    records = tap.records(Layout.of_ids(inputs["input_ids"], rows, image_token=...))
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from workbench.errors import ModelError
from workbench.experts.layer_records import LayerRecord
from workbench.experts.layout import Layout
from workbench.gpu.attach.generic import Described
from workbench.gpu.attach.readings import Reading
from workbench.gpu.attach.routers import Router, find

__all__ = ["Tap", "attach"]


def attach(model: nn.Module, described: Described | None = None) -> Tap:
    """Listen to a model's routers; use it with ``with``.

    Args:
        model: any mixture of experts.
        described: how to find and read its routers (``generic``, ``clip_moe``); a family of
            ``transformers`` is known by the class of its routers.

    Raises:
        ModelError: the model has no routers, or none of a known kind.
    """
    return Tap(find(model, described))


class Tap:
    """What routers say, from ``with`` on. Changes nothing that the model gives back.

    Args:
        routers: to listen to.

    Attributes:
        layers: numbers of their blocks, rising.
    """

    def __init__(self, routers: tuple[Router, ...]) -> None:
        self.routers = routers
        self.layers = tuple(sorted({each.layer for each in routers}))
        self._handles: list[RemovableHandle] = []
        self._heard: dict[str, list[Reading]] = {}
        self._masks: dict[int, Tensor | None] = {}

    def __enter__(self) -> Self:
        for router in self.routers:
            hook = self._listening(router)
            self._handles.append(router.module.register_forward_hook(hook))
        for block in {id(each.block): each for each in self.routers if each.block}.values():
            self._watch(block)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._handles:
            self._handles.pop().remove()

    def records(self, layout: Layout, *, under: str = "") -> tuple[LayerRecord, ...]:
        """What was decided in the one pass since the last call, a record a layer.

        Args:
            layout: which token is which, in the sequences that went through.
            under: only of modules whose path begins so, e.g. ``encoder.``; what others said stays.

        Raises:
            ModelError: no router ran, one ran more than once, or it saw other tokens than the
                layout has (of an answer that is generated, only the pass over the prompt has all).
            InputError: what a router gave back does not fit together.
        """
        mine = [each for each in self.routers if each.name.startswith(under)]
        heard = {each.name: self._heard.pop(each.name, []) for each in mine}
        made = []
        for layer in self.layers:
            parts = [
                (router, self._only(router, heard[router.name]))
                for router in mine
                if router.layer == layer and heard[router.name]
            ]
            if parts:
                made.append(self._record(layer, parts, layout))
        if not made:
            where = f" under {under!r}" if under else ""
            raise ModelError(
                f"no router{where} has run", expected="one pass of the model", got="none"
            )
        return tuple(made)

    def _listening(self, router: Router) -> Any:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            with torch.no_grad():
                reading = router.adapter.read(module, output)
            self._heard.setdefault(router.name, []).append(reading)

        return hook

    def _watch(self, router: Router) -> None:
        """Note which tokens a block sends to its second router."""
        block, split = router.block, router.split
        assert block is not None and split is not None

        def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            mask = named.get(split.keyword)
            if mask is None and len(given) > split.argument:
                mask = given[split.argument]
            self._masks[id(module)] = None if mask is None else mask.detach().bool().reshape(-1)

        self._handles.append(block.register_forward_pre_hook(hook, with_kwargs=True))

    def _only(self, router: Router, readings: list[Reading]) -> Reading:
        if len(readings) > 1:
            raise ModelError(
                f"{router.name} has run {len(readings)} times",
                expected="one pass of the model for each call of records",
                got=f"{len(readings)}",
                do="Ask for the records after every pass; of a generated answer record only the "
                "pass over the prompt.",
            )
        return readings[0]

    def _record(
        self, layer: int, parts: list[tuple[Router, Reading]], layout: Layout
    ) -> LayerRecord:
        """The readings of one block as a record; experts of a second router are numbered on."""
        experts = sum(reading.experts for _, reading in parts)
        if parts[0][0].split is not None:  # also where only one of both has run
            experts = 2 * parts[0][1].experts
        router = parts[0][0]
        wide = [_widened(r.second * reading.experts, experts, reading) for r, reading in parts]
        places = [self._places(r, reading, layout) for r, reading in parts]
        taken = _of(layout, np.concatenate(places), sequence_first=router.adapter.sequence_first)
        return LayerRecord(
            layer=layer,
            name=" + ".join(r.name for r, _ in parts),
            experts=experts,
            flags=router.adapter.flags,
            words=layout.words,
            **{name: _joined([part[name] for part in wide]) for name in wide[0]},
            **taken,
        )

    def _places(self, router: Router, reading: Reading, layout: Layout) -> NDArray[np.int64]:
        """Which tokens of the batch a reading is about."""
        places = np.arange(layout.tokens)
        mask = self._masks.get(id(router.block)) if router.block is not None else None
        if mask is not None and mask.any() and len(mask) == layout.tokens:
            second = mask.cpu().numpy()
            places = np.flatnonzero(second == router.second)
        if len(reading.indices) != len(places):
            raise ModelError(
                f"{router.name} has seen other tokens than the layout has",
                expected=f"{len(places)}, padding among them",
                got=str(len(reading.indices)),
                do="Give the layout of exactly what went through the model; with a cache only the "
                "first pass has all tokens.",
            )
        return places


def _widened(offset: int, experts: int, reading: Reading) -> dict[str, NDArray[Any] | None]:
    """A reading as arrays over all experts of its block: what it cannot reach gets nothing."""

    def wide(values: Tensor | None, fill: float) -> NDArray[Any] | None:
        if values is None:
            return None
        found = np.full((len(values), experts), fill, np.float32)
        found[:, offset : offset + reading.experts] = values.float().cpu().numpy()
        return found

    return {
        "indices": reading.indices.cpu().numpy().astype(np.int64) + offset,
        "weights": reading.weights.float().cpu().numpy(),
        "kept": reading.kept.cpu().numpy(),
        "logits": wide(reading.logits, -np.inf),
        "probs": wide(reading.probs, 0.0),
    }


def _joined(parts: list[NDArray[Any] | None]) -> Any:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if len(there) == len(parts) else None


def _of(layout: Layout, places: NDArray[np.int64], *, sequence_first: bool) -> dict[str, Any]:
    """What tokens are, by their places in the order in which the model has them."""
    names = ("modality", "sample", "position", "word")
    arrays = {name: getattr(layout, name) for name in names}
    turned = {name: a.T if sequence_first else a for name, a in arrays.items()}
    return {name: array.reshape(-1)[places] for name, array in turned.items()}
