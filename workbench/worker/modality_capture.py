"""Layers of a model over pairs of image and caption, shard by shard, so that a kill costs one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.gpu.loading import Failed, Load, ahead
from workbench.gpu.states import Captured, States
from workbench.types import Floats, Rows
from workbench.worker.modality_question import FEWEST

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.gpu.encoder import Encoder
    from workbench.worker.control import Control

__all__ = ["SHARD", "SHARD_PAIRS", "Layers", "capture", "drop_shards"]

SHARD = "measure-modality-shard"
SHARD_PAIRS = 128
_LISTED = 5  # unreadable images that an error names
_BATCH = {"cpu": 16, "mps": 32, "cuda": 128}


@dataclass
class Layers:
    """What each layer holds of n pairs.

    Args:
        shared: both modalities pass the same weights.
        names: names of the layers of the image and of the text tower.
        experts: block -> experts that its hidden units belong to; empty for two towers.
        rows: int64 (n,) items.
        captions: int64 (n,) caption rows.
        texts: n captions.
        vectors: both sides in the joint space, float32 (n, D), unit rows.
        states: both sides, a list of float32 (n, d), one a layer.
        units: both sides, block -> float32 (n, U).
        unread: names of the images that could not be read, whose pairs are left out.
    """

    shared: bool
    names: tuple[tuple[str, ...], tuple[str, ...]]
    experts: Mapping[int, int]
    rows: Rows
    captions: Rows
    texts: list[str]
    vectors: tuple[Floats, Floats]
    states: tuple[list[Floats], list[Floats]]
    units: tuple[dict[int, Floats], dict[int, Floats]]
    unread: list[str] = field(default_factory=list)


def capture(
    workspace: Workspace,
    control: Control,
    params: Mapping[str, Any],
    rows: Rows,
    captions: Rows,
) -> Layers:
    """Encode the pairs and read every layer; shards that were made before are read back.

    Args:
        workspace: where they are.
        control: gives the model, is told of progress, raises when the job shall stop.
        params: of the job; each shard is kept under them and its number.
        rows: int64 (n,) items.
        captions: int64 (n,) caption rows, one an item.

    Raises:
        ModelError: the model cannot be loaded or read.
        InputError: too few of the images can be read.
    """
    model = workspace.catalog.model(params["model"])
    control.tick(0, len(rows), f"Loading {model.name}")
    encoder = control.models.get(model.key)
    states = States(encoder)
    texts = workspace.tables.captions(params["dataset"], captions)["text"].to_pylist()
    work = _Capture(workspace, control, encoder, states, params)
    control.tick(message="Reading layers", device=encoder.device.title)
    parts = []
    for number, start in enumerate(range(0, len(rows), SHARD_PAIRS)):
        stop = min(start + SHARD_PAIRS, len(rows))
        parts.append(work.shard(number, rows[start:stop], texts[start:stop]))
        control.tick(done=stop)
    readable = [part for part in parts if part.num_rows]
    if sum(part.num_rows for part in readable) < FEWEST:
        raise InputError(
            f"images of {params['dataset']!r}",
            expected=f"at least {FEWEST} that can be read",
            got="; ".join(work.unread[:_LISTED]),
            do="Put the files back where they were imported from, and retry.",
        )
    table = pa.concat_tables(readable)
    places = table["place"].to_numpy()
    image, text = _side(table, "image", states), _side(table, "text", states)
    return Layers(
        shared=states.shared,
        names=(states.image_layers, states.text_layers),
        experts=states.experts,
        rows=rows[places],
        captions=captions[places],
        texts=[texts[place] for place in places],
        vectors=(image.vectors, text.vectors),
        states=(list(image.states), list(text.states)),
        units=(image.units, text.units),
        unread=work.unread,
    )


def drop_shards(workspace: Workspace, params: Mapping[str, Any]) -> None:
    """Forget the shards of an answered question."""
    for run in workspace.runs.list(SHARD):
        if {name: value for name, value in run.params.items() if name != "shard"} == params:
            workspace.runs.drop(run.key)


@dataclass
class _Capture:
    workspace: Workspace
    control: Control
    encoder: Encoder
    states: States
    params: Mapping[str, Any]
    unread: list[str] = field(default_factory=list)

    def shard(self, number: int, rows: Rows, texts: Sequence[str]) -> pa.Table:
        """One row a pair whose image can be read: its place in the shard, and every layer."""
        question = {**self.params, "shard": number}
        run = self.workspace.runs.find(SHARD, question)
        if run is None:
            table, unread = self._made(number, rows, texts)
            run = self.workspace.runs.publish(
                SHARD, question, {"unread": unread}, {"states": table}
            )
        self.unread += run.result["unread"]
        return self.workspace.runs.table(run, "states")

    def _made(self, number: int, rows: Rows, texts: Sequence[str]) -> tuple[pa.Table, list[str]]:
        places: list[int] = []
        tables: list[pa.Table] = []
        unread: list[str] = []
        for batch in self._batches(rows, unread):
            chosen = [place for place, _ in batch]
            with self.encoder.gate.background(self.control.check):
                image = self.states.images(np.stack([pixels for _, pixels in batch]))
            with self.encoder.gate.background(self.control.check):
                text = self.states.texts([texts[place] for place in chosen])
            places += [number * SHARD_PAIRS + place for place in chosen]
            tables.append(pa.table({**_columns("image", image), **_columns("text", text)}))
            self.control.tick(done=number * SHARD_PAIRS + len(places))
        made = pa.concat_tables(tables) if tables else pa.table({})
        return made.append_column("place", pa.array(places, pa.int64())), unread

    def _batches(
        self, rows: Rows, unread: list[str]
    ) -> Iterator[list[tuple[int, NDArray[np.uint8]]]]:
        """(place in the shard, pixels) of the images that can be read."""
        size = _BATCH.get(self.encoder.device.kind, 16)
        batch: list[tuple[int, NDArray[np.uint8]]] = []
        for result in ahead(self._loads(rows), self._pixels, window=lambda: 2 * size):
            self.control.check()
            if isinstance(result, Failed):
                unread.append(f"{result.name} ({result.reason})")
                continue
            batch.append(result)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _loads(self, rows: Rows) -> Iterator[tuple[int, Load]]:
        columns = ["item", "uri", "offset", "length"]
        table = self.workspace.tables.take(self.params["dataset"], rows, columns)
        for place, one in enumerate(table.to_pylist()):
            yield place, Load(one["item"], one["uri"], one["offset"], one["length"])

    def _pixels(self, load: Load) -> NDArray[np.uint8]:
        self.encoder.gate.stand_aside(self.control.check)
        data = self.workspace.read_image(load.uri, load.offset, load.length)
        return self.encoder.preprocess.decode(data, load.name)


def _columns(side: str, found: Captured) -> dict[str, pa.Array]:
    columns = {f"{side}.vectors": _lists(found.vectors)}
    columns |= {f"{side}.state.{n}": _lists(each) for n, each in enumerate(found.states)}
    return columns | {f"{side}.units.{n}": _lists(each) for n, each in found.units.items()}


def _lists(values: Floats) -> pa.Array:
    flat = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), values.shape[1])


def _array(table: pa.Table, name: str) -> Floats:
    column = table[name].combine_chunks()
    found: Floats = column.flatten().to_numpy().reshape(-1, column.type.list_size)
    return found


def _side(table: pa.Table, side: str, states: States) -> Captured:
    """One modality of all shards."""
    count = len(states.image_layers if side == "image" else states.text_layers)
    return Captured(
        _array(table, f"{side}.vectors"),
        tuple(_array(table, f"{side}.state.{number}") for number in range(count)),
        {number: _array(table, f"{side}.units.{number}") for number in states.experts},
    )
