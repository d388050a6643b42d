"""The nouns that modules hand to one another: frozen, checked once at birth, no torch.

Axes have one letter each: N items, M texts, C classes, D dimensions, K neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = [
    "Column",
    "DatasetInfo",
    "Floats",
    "Hits",
    "IndexInfo",
    "JobInfo",
    "JobState",
    "ModelInfo",
    "Preview",
    "Record",
    "Rows",
    "Side",
    "Source",
    "VectorsInfo",
    "WorkerInfo",
    "check_unit_rows",
]

Side = Literal["image", "caption"]
"""Which side of a dataset vectors stand for; row i of the side is item i or caption i."""

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """Where the bytes of one image lie: a whole file, or a span of a container.

    Args:
        uri: absolute path, or a path relative to the workspace (then it begins with ``media/``).
        offset: first byte; 0 for a whole file.
        length: number of bytes; -1 for a whole file.
    """

    uri: str
    offset: int = 0
    length: int = -1


@dataclass(frozen=True)
class Record:
    """One item as an importer reads it, before anything is stored.

    Args:
        key: stable name inside its source (relative path, shard/sample key, row number). The
            same source read twice gives the same keys: this is what makes an import idempotent.
        source: where the image bytes lie, or None when ``data`` holds them or there is no image.
        data: image bytes that have no file of their own (a Parquet column); stored by the import.
        captions: zero or more texts that describe the image.
        label: class name, where the source has one.
        meta: further columns; values are str, int, float, bool, None, or a list of str.
    """

    key: str
    source: Source | None = None
    data: bytes | None = None
    captions: tuple[str, ...] = ()
    label: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """One metadata column of a dataset: its name, kind and how it may be filtered.

    Args:
        kind: ``text``, ``integer``, ``number``, ``boolean`` or ``list`` (of text).
        distinct: number of distinct values (exact up to 10,000, then a lower bound).
        missing: number of nulls.
    """

    name: str
    kind: Literal["text", "integer", "number", "boolean", "list"]
    distinct: int
    missing: int


@dataclass(frozen=True)
class Preview:
    """What an import would bring, read from the first records without storing anything.

    Args:
        importer: key of the importer that recognised the source.
        title: the importer's name on screen.
        records: the first records (at most the number asked for).
        columns: metadata columns found, with kind.
        total: number of items, or None where counting would read everything.
        images, captions, vectors: what kinds of content the source has.
        notes: sentences for the person (what was recognised, what will be ignored).
    """

    importer: str
    title: str
    records: tuple[Record, ...]
    columns: Mapping[str, str]
    total: int | None
    images: bool
    captions: bool
    vectors: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset in the catalog: N items and M captions, in parts that never change.

    Args:
        parts: number of published parts; grows when an import adds items, so it also serves as
            the version of the dataset's tables.
        skipped: items refused at import, listed in the dataset's report.
        source: path it was imported from, as given.
        info: further facts of the importer (class names, templates, licence ...), JSON-like.
    """

    name: str
    items: int
    captions: int
    parts: int
    skipped: int
    created: float
    importer: str
    source: str
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelInfo:
    """A registered model: everything needed to encode alike tomorrow.

    Args:
        key: short hash of architecture, weights, tokenizer, preprocessing and precision.
        name: the name people type, unique in the workspace (e.g. ``glyph-clip``).
        arch: open_clip architecture name.
        weights: pretrained tag, ``hf-hub:`` name, path of a checkpoint or bundle, or
            ``random:SEED``.
        weights_sha256: digest of the weights file; empty for a tag until it is first loaded.
        dim: D, length of its vectors.
        context_length: tokens a text may have.
        image_size: pixels (height, width) of its input.
        preprocess: size, mean, std, interpolation, resize mode.
        tokenizer: what the tokenizer is, as data.
        precision: ``fp32``, ``bf16`` or ``fp16``; of computing, not of storage.
        logit_scale: factor on the cosine before softmax or sigmoid (already exponentiated).
        logit_bias: added after the scale; None for softmax models.
        parameters: number of weights.
        state: ``ready``, ``missing`` (weights not on this machine) or ``unchecked``.
        note: a sentence on the state (which file to put where).
        limoe: configuration of a LIMoE (one tower for both modalities); its ``moe_layers`` name
            the blocks with experts, none in a dense one. None for any other model.
    """

    key: str
    name: str
    arch: str
    weights: str
    weights_sha256: str
    dim: int
    context_length: int
    image_size: tuple[int, int]
    preprocess: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    precision: str
    logit_scale: float
    logit_bias: float | None
    parameters: int
    state: Literal["ready", "missing", "unchecked"] = "ready"
    note: str = ""
    limoe: Mapping[str, Any] | None = None

    @property
    def has_experts(self) -> bool:
        """Whether it is a mixture of experts whose routing can be recorded."""
        return bool(self.limoe and self.limoe["moe_layers"])


@dataclass(frozen=True)
class VectorsInfo:
    """Vectors of dataset × model × side: how many rows are there, of how many.

    Args:
        done: rows that have a vector.
        total: rows of the side (items or captions) in the dataset now.
        dtype: ``float16`` or ``float32``, as stored.
    """

    dataset: str
    model: str
    side: Side
    done: int
    total: int
    dim: int
    dtype: str

    @property
    def complete(self) -> bool:
        """True when every row of the side has its vector."""
        return self.done == self.total


@dataclass(frozen=True)
class IndexInfo:
    """A FAISS index over vectors: its kind, why that kind, and what it covers.

    Args:
        kind: e.g. ``flat float32``, ``flat float16``, ``IVF4096 float16``.
        reason: one sentence for the person: why this kind was chosen.
        rows: number of vectors inside (fewer than the dataset's when items came later).
        bytes: size on disk.
        exact: True when its results are the exact ranking.
    """

    dataset: str
    model: str
    side: Side
    kind: str
    reason: str
    rows: int
    dim: int
    bytes: int
    exact: bool


@dataclass(frozen=True)
class Hits:
    """Nearest rows of Q queries, best first.

    Args:
        rows: int64 (Q, K), row in the dataset's side; -1 pads where fewer than K rows match.
        scores: float32 (Q, K), inner product of unit vectors = cosine in [-1, 1]; -inf pads.
        considered: number of rows that passed the filter and were ranked.
        exact: False when an approximate index answered.
    """

    rows: Rows
    scores: Floats
    considered: int
    exact: bool = True

    def __post_init__(self) -> None:
        if self.rows.shape != self.scores.shape or self.rows.ndim != 2:
            got = f"{self.rows.shape} and {self.scores.shape}"
            raise InputError("hits", expected="rows and scores of one (Q, K) shape", got=got)


JobState = Literal["queued", "running", "done", "failed", "cancelled", "refused"]


@dataclass(frozen=True)
class JobInfo:
    """One job: what it does, how far it is, how fast, and what became of it.

    Args:
        kind: ``import``, ``embed``, ``index``, ``evaluate-retrieval`` ...
        title: one line for the person.
        done, total: units of work (images, rows); total 0 while unknown.
        unit: what is counted, e.g. ``images``.
        rate: units a second over the last seconds; 0 when not running.
        device: where it computes, e.g. ``cpu`` or ``cuda:0 NVIDIA H100``.
        message: the last sentence the job said (e.g. which batch size it found).
        result: small JSON-like result of a finished job.
        cancel_requested: the person asked to stop and the worker has not yet done so.
        log: path of the log file.
        attempts: how often a worker claimed it.
    """

    id: int
    kind: str
    title: str
    params: Mapping[str, Any]
    state: JobState
    priority: int
    done: int
    total: int
    unit: str
    rate: float
    device: str
    message: str
    error: str
    result: Mapping[str, Any]
    cancel_requested: bool
    attempts: int
    created: float
    started: float | None
    finished: float | None
    heartbeat: float | None
    worker: str
    log: str

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left at the present rate; None when unknown."""
        if self.state != "running" or self.rate <= 0 or self.total <= 0:
            return None
        return max(0, self.total - self.done) / self.rate


@dataclass(frozen=True)
class WorkerInfo:
    """A worker that is alive: where it computes and how loaded it is.

    Args:
        address: ``grpc://127.0.0.1:PORT`` of its Flight server.
        device: ``cpu`` or ``cuda:0 NAME``; ``starting`` until torch is loaded.
        gpu_present: a GPU exists on the machine, whether used or not.
        memory_used, memory_total: bytes on the device (process RSS and RAM for cpu).
        job: id of the job it works on, or None.
        models: names of the models it holds loaded.
    """

    id: str
    pid: int
    host: str
    address: str
    token: str
    device: str
    precision: str
    gpu_present: bool
    memory_used: int
    memory_total: int
    job: int | None
    models: tuple[str, ...]
    started: float
    heartbeat: float


def check_unit_rows(vectors: NDArray[Any], name: str, *, tolerance: float = 5e-3) -> None:
    """Refuse vectors that are not (N, D), finite, and of unit length.

    Args:
        vectors: (N, D) float16 or float32.
        name: what they are, for the message.
        tolerance: largest allowed ``abs(norm - 1)``; float16 storage needs about 1e-3.

    Raises:
        InputError: wrong rank, non-finite values, or a row that is not of unit length; the
            message names the first such row.
    """
    if vectors.ndim != 2:
        raise InputError(name, expected="a matrix (N, D)", got=f"shape {vectors.shape}")
    plain = vectors.astype(np.float32, copy=False)
    norms = np.sqrt(np.vecdot(plain, plain))
    bad = np.flatnonzero(~(np.abs(norms - 1) <= tolerance))
    if bad.size:
        first = int(bad[0])
        got = f"norm {norms[first]:.4g} in row {first} ({bad.size} such rows)"
        raise InputError(name, expected="finite rows of unit length", got=got)
