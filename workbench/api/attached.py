"""Keeps the routing of a model that runs elsewhere, so that the Experts pages show it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.api.routing import Routing
from workbench.api.routing_results import Recording
from workbench.errors import InputError
from workbench.experts.accumulate import Accumulator
from workbench.experts.layer_records import Flags, LayerRecord, tokens_of
from workbench.experts.layout import side_of
from workbench.experts.records import IMAGE, MODALITIES
from workbench.experts.tokens import Tokens
from workbench.worker.routing_question import KIND, PART

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Attached", "Fit"]

Fit = Literal["squash", "shortest", "longest"]
"""How a picture became the square that the model saw: pressed into it, its middle cut out, or with
a margin."""

_SHARD = 500_000
"""Tokens of a file: an item's are found without reading all."""


class Attached(Routing):
    """Recordings of models that this workspace cannot run itself."""

    def keep_routing(
        self,
        name: str,
        records: Sequence[LayerRecord],
        *,
        dataset: str,
        fit: Fit = "squash",
        notes: Sequence[str] = (),
    ) -> Recording:
        """Keep what routers decided as a recording; an older one of this name is replaced.

        Args:
            name: of the model, as it shall be read.
            records: of all layers and all passes; each ``sample`` is a row of the dataset.
            dataset: whose items went through the model.
            fit: how its pictures became the squares that the model saw.
            notes: sentences that shall stand beside it.

        Raises:
            UnknownName: no such dataset.
            InputError: records that do not fit each other or the dataset, images whose patches
                make no square, or the name of a model that is registered here.
        """
        self._check_name(name)
        info, tokens = self.workspace.catalog.dataset(dataset), tokens_of(records)
        self._check_rows(info.name, tokens)
        grid = _grid(tokens)
        params = {
            "attached": _digest(tokens),
            "dataset": info.name,
            "version": list(self.workspace.catalog.identity(info.name)),
            "model": name,
            "modalities": _sides(tokens),
            "capacity_factor": None,
            "batch": len(np.unique(tokens.row)),
            "limit": None,
        }
        total = Accumulator(
            sorted({each.layer for each in records}), records[0].experts, tokens.experts.shape[1]
        )
        held: list[NDArray[np.int64]] = []
        shards: list[str] = []
        for part in _in_shards(tokens):
            shards.append(self._keep_shard(params, len(shards), part))
            total.add(part)
            held.append(np.unique(part.row).astype(np.int64))
        result = _result(total, grid, records, notes) | {
            "shards": shards,
            "preprocess": {"resize_mode": fit},
        }
        key = self._publish(params, result, total, held)
        for old in self.recordings(dataset=info.name, model=name):
            if old.key != key:
                self.remove_recording(old.key)
        return self.recording(key)

    def _check_name(self, name: str) -> None:
        if not name.strip():
            raise InputError("name of a model", expected="a few letters", got=repr(name))
        if any(name in (card.name, card.key) for card in self.workspace.catalog.models()):
            raise InputError(
                f"name {name!r}",
                expected="one that no registered model has",
                got="a registered model's",
                do="Models that are registered here are recorded by submit_recording.",
            )

    def _check_rows(self, dataset: str, tokens: Tokens) -> None:
        unknown = np.setdiff1d(tokens.row, self.workspace.tables.rows(dataset))
        if len(unknown):
            raise InputError(
                f"item {unknown[0]} of the records",
                expected=f"a row of {dataset!r}",
                got=f"{len(unknown):,} that it does not have",
                do="Import the items first, and give their rows to the layout.",
            )

    def _keep_shard(self, params: Mapping[str, Any], number: int, tokens: Tokens) -> str:
        from workbench.worker.routing_tables import tokens_table

        return self.workspace.runs.publish(
            PART,
            {"recording": dict(params), "first": number},
            {},
            {"tokens": tokens_table(tokens)},
            dataset=params["dataset"],
        ).key

    def _publish(
        self,
        params: Mapping[str, Any],
        result: Mapping[str, Any],
        total: Accumulator,
        held: Sequence[NDArray[np.int64]],
    ) -> str:
        from workbench.worker.routing_tables import summary_tables

        tables = summary_tables(total) | {"held": _held(held)}
        return self.workspace.runs.publish(KIND, params, result, tables).key


def _in_shards(tokens: Tokens) -> Iterator[Tokens]:
    """Whole items, as many as make a file."""
    starts = np.flatnonzero(np.r_[True, tokens.row[1:] != tokens.row[:-1]])
    places = np.searchsorted(starts, np.arange(0, len(tokens), _SHARD))
    edges = starts[np.unique(np.minimum(places, len(starts) - 1))]
    for first, last in zip(edges, [*edges[1:], len(tokens)], strict=True):
        yield tokens.take(slice(first, last))


def _held(held: Sequence[NDArray[np.int64]]) -> pa.Table:
    """Row of each item, rising, and the place of its shard."""
    import pyarrow as pa

    shard = np.repeat(np.arange(len(held)), [len(each) for each in held])
    rows = np.concatenate(held).astype(np.int32)
    return pa.table({"row": pa.array(rows), "shard": pa.array(shard.astype(np.int16))})


def _digest(tokens: Tokens) -> str:
    """Tells other tokens apart, so that what is kept is never changed under a reader."""
    digest = hashlib.blake2b("\n".join(tokens.words).encode(), digest_size=8)
    for name, array in tokens.arrays().items():
        digest.update(f"{name} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _grid(tokens: Tokens) -> int:
    """Patches a side; 1 where there are no images."""
    mine = tokens.modality == IMAGE
    if not mine.any():
        return 1
    rows, place = np.unique(tokens.row[mine], return_inverse=True)
    counts = np.zeros(len(rows), np.int64)
    np.maximum.at(counts, place, tokens.position[mine].astype(np.int64) + 1)
    if counts.min() != counts.max():
        raise InputError(
            "patches of an image",
            expected="as many of every image",
            got=f"{counts.min()} to {counts.max()}",
            do="Give the model pictures of one size, so that patches can be found again.",
        )
    return side_of(int(counts[0]))


def _sides(tokens: Tokens) -> str:
    there = [name for at, name in enumerate(MODALITIES) if np.any(tokens.modality == at)]
    return "both" if len(there) == 2 else there[0]


def _result(
    total: Accumulator, grid: int, records: Sequence[LayerRecord], notes: Sequence[str]
) -> dict[str, Any]:
    counts = np.bincount(total.inputs().modality, minlength=len(MODALITIES)).tolist()
    chosen, kept = total.loads.sum(axis=(0, 1)), total.kept.sum(axis=(0, 1))
    dropped = [float(1 - k / c) if c else None for k, c in zip(kept, chosen, strict=True)]
    flags = _flags([each.flags for each in records])
    return {
        "layers": list(total.layers),
        "experts": total.experts,
        "top_k": total.top_k,
        "grid": grid,
        "inputs": dict(zip(MODALITIES, counts, strict=True)),
        "tokens": dict(zip(MODALITIES, map(int, total.tokens.max(axis=0)), strict=True)),
        "dropped": dict(zip(MODALITIES, dropped, strict=True)),
        "capacity_factor": None,
        "flags": asdict(flags),
        "notes": [*_said(flags, total), *notes],
        "seconds": 0.0,
        "routers": {str(each.layer): each.name for each in records},
    }


def _flags(each: Sequence[Flags]) -> Flags:
    """What holds of all layers together."""
    return Flags(
        dropless=all(flags.dropless for flags in each),
        score=" and ".join(sorted({flags.score for flags in each})),
        bias_selected=any(flags.bias_selected for flags in each),
        shared=any(flags.shared for flags in each),
        recomputed=any(flags.recomputed for flags in each),
    )


def _said(flags: Flags, total: Accumulator) -> list[str]:
    """What has to be known to read the figures."""
    notes = ["Read from the model's own routers while it ran outside of this workspace."]
    if not flags.dropless:
        notes.append("Experts have the room that the model itself gives them; a choice that found "
                     "none is marked as dropped.")  # fmt: skip
    if "sigmoid" in flags.score:
        notes.append("The routers score each expert by itself (sigmoid): probabilities are scores "
                     "divided by their sum.")  # fmt: skip
    if flags.bias_selected:
        notes.append("A bias that is no part of the gates decides who is chosen, so the chosen "
                     "need not be the most probable.")  # fmt: skip
    if flags.shared:
        notes.append("Every token also passes weights that are not routed and not counted here.")
    if flags.recomputed:
        notes.append("The routers tell only logits; who is chosen was computed from them again.")
    if not total.tokens.all() and total.tokens.any(axis=0).all():
        apart = [at for at, row in zip(total.layers, total.tokens, strict=True) if not row.all()]
        side = " and ".join(map(str, apart[:4])) + (" ..." if len(apart) > 4 else "")
        notes.append(f"Only one modality passes blocks {side}: nothing to compare there.")
    return notes
