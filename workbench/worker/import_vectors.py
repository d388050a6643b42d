"""Vectors that a source brings along -> the store, on the rows that its items have there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import InputError, UnknownName
from workbench.filters import Filter
from workbench.importers.importer import Importer, VectorBlock
from workbench.types import ModelInfo, Record, Rows, Side

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["model_for", "placeholder", "store_vectors"]


def model_for(workspace: Workspace, dataset: str, dim: int, name: str | None) -> ModelInfo:
    """The model under which imported vectors are kept.

    Args:
        workspace: where models are registered.
        dataset: names the placeholder.
        dim: D of the vectors.
        name: a registered model, as the person said; None registers a placeholder.

    Raises:
        UnknownName: no such model.
        InputError: the model has another D.
    """
    if name is None:
        return _ensure_placeholder(workspace, placeholder(dataset, dim))
    model = workspace.catalog.model(name)
    if model.dim != dim:
        raise InputError(
            f"vectors of {dim} dimensions for model {name!r}",
            expected=f"{model.dim} dimensions, as this model makes them",
            got=str(dim),
            do="Name the model that made the vectors, or leave the option out.",
        )
    return model


def placeholder(dataset: str, dim: int) -> ModelInfo:
    """A model that stands for vectors alone: it has no towers, so it can encode nothing new."""
    name = f"imported:{dataset}"
    return ModelInfo(
        key="imported-" + hashlib.blake2b(name.encode(), digest_size=8).hexdigest(),
        name=name,
        arch="unknown",
        weights="vectors only",
        weights_sha256="",
        dim=dim,
        context_length=0,
        image_size=(0, 0),
        preprocess={},
        tokenizer={},
        precision="fp32",
        logit_scale=100.0,
        logit_bias=None,
        parameters=0,
        state="missing",
        note=(
            f"The vectors of dataset {dataset} were imported without the model that made them, so "
            "a text or a new image cannot be encoded. Register that model and import again with "
            "the option model=NAME."
        ),
    )


def _ensure_placeholder(workspace: Workspace, model: ModelInfo) -> ModelInfo:
    try:
        known = workspace.catalog.model(model.key)
    except UnknownName:
        workspace.catalog.add_model(model)
        return model
    if known.dim != model.dim:
        raise InputError(
            f"vectors of {model.dim} dimensions for dataset",
            expected=f"{known.dim} dimensions, as {known.name} has",
            got=str(model.dim),
            do="Import them into a dataset of their own.",
        )
    return known


def store_vectors(
    workspace: Workspace,
    control: Control,
    importer: Importer,
    *,
    path: Path,
    dataset: str,
    model: ModelInfo,
    options: dict[str, Any],
) -> dict[str, int]:
    """Write every vector whose row has none yet; the items must be in the dataset already.

    The rows are looked up by the items' keys, so that it does not matter which items were there
    before, nor where an earlier attempt stopped.

    Args:
        workspace: where they are written.
        control: told of progress; raises when the job shall stop.
        importer: what reads the source.
        path: the source.
        dataset: of the items.
        model: under which the vectors are kept.
        options: the person's choices.

    Returns:
        Number of vectors written, per side that the source has.
    """
    written: dict[str, int] = {}
    keys: dict[Side, Iterator[str]] = {}
    for block in importer.vectors(path, **options):
        if block.side not in keys:
            keys[block.side] = _keys(importer, path, options, block.side)
        rows = _rows(workspace, dataset, block, list(islice(keys[block.side], len(block.array))))
        count = _write(workspace, dataset, model.key, block, rows)
        written[block.side] = written.get(block.side, 0) + count
        done = sum(written.values())
        control.tick(message=f"{done:,} vectors stored")
    return written


def _keys(importer: Importer, path: Path, options: dict[str, Any], side: Side) -> Iterator[str]:
    """The item of each vector of a side, in the order of the vectors."""
    for record in importer.records(path, **options):
        if isinstance(record, Record):
            times = 1 if side == "image" else len(record.captions)
            yield from [record.key] * times


def _rows(workspace: Workspace, dataset: str, block: VectorBlock, keys: list[str]) -> Rows:
    """Row in the store of each vector of a block."""
    found = workspace.tables.items(
        dataset, (Filter("item", "in", tuple(keys)),), columns=("row", "item")
    )
    row_of = dict(zip(found["item"].to_pylist(), found["row"].to_pylist(), strict=True))
    missing = [key for key in keys if key not in row_of]
    if missing or len(keys) != len(block.array):
        name = missing[0] if missing else f"vector {block.start + len(keys)}"
        raise InputError(f"{name} of the vectors is no item of {dataset!r}")
    if block.side == "caption":
        texts = workspace.tables.captions_of(dataset, list(row_of.values()))
        row_of = {key: texts[row][0][0] for key, row in row_of.items()}
    return np.array([row_of[key] for key in keys], dtype=np.int64)


def _write(workspace: Workspace, dataset: str, model: str, block: VectorBlock, rows: Rows) -> int:
    """Write runs of consecutive rows that have no vector yet; how many vectors that were."""
    wanted = np.zeros(len(rows), dtype=bool)
    for start, stop in workspace.vectors.missing(dataset, model, block.side):
        wanted |= (rows >= start) & (rows < stop)
    positions = np.flatnonzero(wanted)
    breaks = np.flatnonzero((np.diff(positions) != 1) | (np.diff(rows[positions]) != 1)) + 1
    for run in np.split(positions, breaks):
        if run.size:
            first = int(rows[run[0]])
            workspace.vectors.write(dataset, model, block.side, first, block.array[run])
    return int(positions.size)
