"""Images and texts through a model with and without some experts, one pass after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.damage import Pick
from workbench.gpu.loading import Failed, Load, prepared
from workbench.gpu.record_routing import in_order
from workbench.gpu.twin import Encoded, Twin
from workbench.types import Floats, Rows
from workbench.worker.ablation_inputs import Inputs

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.gpu.limoe.ablate import Mode
    from workbench.worker.control import Control

__all__ = ["Passed", "Passes"]

_BATCH = {"cpu": 16, "mps": 32, "cuda": 128}
_HELD = 1 << 29
"""Bytes of decoded images that are kept between passes; what is beyond is decoded anew."""


@dataclass(frozen=True)
class Passed:
    """One pass.

    Args:
        read: bool (I,), images that could be read; the others' vectors are 0.
        images: float32 (I, D), unit rows.
        texts: float32 (M, D), unit rows.
        image_choices: float32 (I, L, E), tokens of each image that chose an expert / K.
        text_choices: float32 (M, L, E), likewise.
    """

    read: NDArray[np.bool_]
    images: Floats
    texts: Floats
    image_choices: Floats
    text_choices: Floats


@dataclass
class Passes:
    """Everything that passes the model again and again.

    Args:
        workspace: where the images are.
        control: told of progress; raises when the job shall stop.
        twin: the model.
        inputs: images and texts.
        unread: names of the images that could not be read, and why.
        done: inputs that passed so far, over all passes.
    """

    workspace: Workspace
    control: Control
    twin: Twin
    inputs: Inputs
    unread: list[str] = field(default_factory=list)
    done: int = 0
    _pixels: dict[int, NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Inputs of one pass."""
        return len(self.inputs.loads) + len(self.inputs.texts)

    def whole(self) -> Passed:
        """Everything through the model as it is."""
        images = np.arange(len(self.inputs.loads), dtype=np.int64)
        texts = np.arange(len(self.inputs.texts), dtype=np.int64)
        encoded, read = self._images(images)
        said = self._texts(texts)
        if not read.any() or encoded is None or said is None:
            raise InputError(
                "images to look at",
                expected="at least one that can be read",
                got="; ".join(self.unread[:5]),
                do="Put the files back where they were imported from, and retry.",
            )
        vectors = np.zeros((len(images), encoded.vectors.shape[1]), np.float32)
        choices = np.zeros((len(images), *encoded.choices.shape[1:]), np.float32)
        vectors[read], choices[read] = encoded.vectors, encoded.choices
        return Passed(read, vectors, said.vectors, choices, said.choices)

    def without(self, whole: Passed, off: Pick, mode: Mode) -> Passed:
        """Everything through the model without some experts.

        In mode ``residual`` an input none of whose tokens chose one of them is not encoded again:
        nothing on its way is different. ``reroute`` weighs the others anew for every token.

        Raises:
            InputError: an image that could be read can be no longer.
        """
        layers = list(self.twin.layers)
        places = ([layers.index(layer) for layer, _ in off], [expert for _, expert in off])
        sides = []
        for choices, there in (
            (whole.image_choices, whole.read),
            (whole.text_choices, np.ones(len(whole.texts), np.bool_)),
        ):
            uses = choices[:, places[0], places[1]].any(axis=1)
            sides.append(np.flatnonzero(there & (uses | (mode == "reroute"))))
        self.done += self.size - sum(map(len, sides))
        images, texts = whole.images.copy(), whole.texts.copy()
        by_layer: dict[int, list[int]] = {}
        for layer, expert in off:
            by_layer.setdefault(layer, []).append(expert)
        with self.twin.without(by_layer, mode):
            seen, read = self._images(sides[0])
            said = self._texts(sides[1])
        if not read.all():
            raise InputError("image to look at again", expected="a file", got=self.unread[-1])
        if seen is not None:
            images[sides[0]] = seen.vectors
        if said is not None:
            texts[sides[1]] = said.vectors
        return Passed(whole.read, images, texts, whole.image_choices, whole.text_choices)

    def _images(self, places: Rows) -> tuple[Encoded | None, NDArray[np.bool_]]:
        """The images that can be read, of these places; and which those are."""

        def encode(batch: list[int]) -> tuple[list[bool], Encoded | None]:
            pixels = [self._read(place) for place in batch]
            there = [each for each in pixels if each is not None]
            if not there:
                return [False] * len(batch), None
            stacked = np.stack(there)
            with self.twin.encoder.gate.background(self.control.check):
                return [each is not None for each in pixels], self.twin.images(stacked)

        found = list(self._driven(places, encode))
        read = np.array([each for flags, _ in found for each in flags], np.bool_)
        return _joined([encoded for _, encoded in found if encoded is not None]), read

    def _texts(self, places: Rows) -> Encoded | None:
        def encode(batch: list[int]) -> Encoded:
            texts = [self.inputs.texts[place] for place in batch]
            with self.twin.encoder.gate.background(self.control.check):
                return self.twin.texts(texts)

        return _joined(list(self._driven(places, encode)))

    def _driven(self, places: Rows, encode: Callable[[list[int]], Any]) -> Iterator[Any]:
        """What is made of each batch, in order; every core takes batches of its own."""
        kind = self.twin.encoder.device.kind
        size = _BATCH.get(kind, 16)
        batches = [places[at : at + size].tolist() for at in range(0, len(places), size)]
        made = in_order(batches, encode, lanes=None if kind == "cpu" else 1)
        for batch, each in zip(batches, made, strict=True):
            self.done += len(batch)
            self.control.tick(self.done)
            yield each

    def _read(self, place: int) -> NDArray[np.uint8] | None:
        """An image's pixels; None when it cannot be read. Runs in the threads."""
        held = self._pixels.get(place)
        if held is not None:
            return held
        load = self.inputs.loads[place]
        found = prepared(place, load, self._decode)
        if isinstance(found, Failed):
            self.unread.append(f"{found.name} ({found.reason})")
            self.control.log.warning("%s: %s", found.name, found.reason)
            return None
        pixels: NDArray[np.uint8] = found
        if (len(self._pixels) + 1) * pixels.nbytes <= _HELD:
            self._pixels[place] = pixels
        return pixels

    def _decode(self, load: Load) -> NDArray[np.uint8]:
        self.control.check()
        encoder = self.twin.encoder
        encoder.gate.stand_aside(self.control.check)
        data = self.workspace.read_image(load.uri, load.offset, load.length)
        return encoder.preprocess.decode(data, load.name)


def _joined(parts: Sequence[Encoded]) -> Encoded | None:
    if not parts:
        return None
    return Encoded(
        np.concatenate([each.vectors for each in parts]),
        np.concatenate([each.choices for each in parts]),
    )
