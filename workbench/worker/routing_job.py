"""The job ``record-routing``: what a model's routers decide about every token of a dataset.

Tokens are published in shards as they come, so a recording that was stopped goes on behind the
last of them. The sums are made of the shards and do not depend on how tokens are divided.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.errors import Cancelled, InputError
from workbench.experts.accumulate import Accumulator
from workbench.experts.records import MODALITIES
from workbench.experts.tokens import Tokens
from workbench.filters import from_json
from workbench.gpu.loading import Failed, Load, prepared
from workbench.gpu.record_routing import Input, Recorder, in_order
from workbench.types import JobInfo, Rows
from workbench.worker.control import Interrupted
from workbench.worker.routing_question import KIND, PART, question
from workbench.worker.routing_tables import summary_tables, tokens_of, tokens_table
from workbench.worker.version import check_version

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "SHARD_SECONDS", "SHARD_TOKENS", "TOKENS_AT_ONCE", "run"]

SHARD_TOKENS = 500_000
SHARD_SECONDS = 30.0
"""A shard is published when it has so many tokens or is so old: what a kill can cost."""

TOKENS_AT_ONCE = 8192
"""Tokens that are read together to show an item's: those of about fifty."""

_READ_ROWS = 2048
"""Items whose places and captions are asked of the tables at once."""

_LISTED = 5


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Record what ``params`` ask, unless that was done before.

    ``params``: see ``routing_question.question``; or ``ask``: its arguments, made into these when
    the job begins.

    Returns:
        ``run``: key of the run. Its result holds layers, experts, top_k, grid, inputs, tokens,
        dropped, capacity_factor, flags, notes, seconds and shards, the keys of the runs whose
        table ``tokens`` has the tokens. Its tables are those of ``summary_tables``, and ``held``:
        row of each recorded item, and the place of its shard.

    Raises:
        InputError: the dataset changed since, or has nothing to record.
        ModelError: the model cannot be loaded, or has no routers.
    """
    params = job.params
    if "ask" in params:  # asked before the dataset and the model were there
        params = question(workspace, **params["ask"])
    known = workspace.runs.find(KIND, params)
    if known is not None:
        control.tick(message="Recorded before; the result was kept.")
        return {"run": known.key}
    return {"run": _Recording(workspace, control, params).run()}


@dataclass
class _Group:
    """One batch: items that compete for room. ``Load`` and text of each, where it has any."""

    rows: list[int]
    loads: list[Load | None]
    texts: list[str | None]


@dataclass
class _Shard:
    """Groups that passed the model and are not yet published."""

    first: int
    groups: int = 0
    tokens: list[Tokens] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    without: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    since: float = field(default_factory=time.monotonic)

    @property
    def full(self) -> bool:
        """It has enough tokens, or is old."""
        old = time.monotonic() - self.since > SHARD_SECONDS
        return old or sum(map(len, self.tokens)) >= SHARD_TOKENS


@dataclass
class _Recording:
    """One recording under way."""

    workspace: Workspace
    control: Control
    params: Mapping[str, Any]
    parts: list[Run] = field(default_factory=list)
    held: list[Rows] = field(default_factory=list)

    def run(self) -> str:
        began = time.perf_counter()
        dataset = self.params["dataset"]
        check_version(self.workspace, dataset, self.params["version"])
        self._forget()
        self.control.tick(message="Loading the model")
        encoder = self.control.models.get(self.params["model"])
        recorder = Recorder(encoder, self.params["capacity_factor"], self.control.check)
        model = recorder.model.config
        total = Accumulator(recorder.layers, model.experts, model.top_k)
        rows = self._drawn()
        first = self._resume(total)
        title = encoder.device.title
        self.control.tick(
            min(first * self.params["batch"], len(rows)),
            len(rows),
            f"Recording on {title}",
            device=title,
        )
        self._record(recorder, rows, first, total)
        if not total.tokens.any():
            raise InputError(
                f"items of {dataset!r}",
                expected="images or captions that can be recorded",
                got="none",
            )
        self.control.tick(message="Writing sums")
        check_version(self.workspace, dataset, self.params["version"])
        result = self._result(recorder, total, time.perf_counter() - began)
        tables = summary_tables(total) | {"held": self._held()}
        return self.workspace.runs.publish(KIND, self.params, result, tables).key

    def _forget(self) -> None:
        """Drop shards of recordings that were not finished before the dataset changed."""
        finished = {key for run in self.workspace.runs.list(KIND) for key in run.result["shards"]}
        for part in self.workspace.runs.list(PART):
            of = part.params["recording"]
            old = of["dataset"] == self.params["dataset"] and of["version"] != list(
                self.params["version"]
            )
            if old and part.key not in finished:
                self.workspace.runs.drop(part.key)

    def _drawn(self) -> Rows:
        """The items to look at, in the order in which they go together."""
        where = from_json(self.params["where"]) if self.params["where"] else ()
        rows = self.workspace.tables.rows(self.params["dataset"], where)
        chance = np.random.default_rng(self.params["seed"])
        drawn: Rows = chance.permutation(rows)[: self.params["limit"]]
        return drawn

    def _resume(self, total: Accumulator) -> int:
        """Add the shards that are there; the number of the first group that is in none."""
        first = 0
        while True:
            part = self.workspace.runs.find(PART, self._part(first))
            if part is None:
                return first
            tokens = tokens_of(self.workspace.runs.table(part, "tokens"))
            self.control.tick(message="Adding up what was recorded before")
            self._take(part, tokens, total)
            first += part.result["groups"]

    def _part(self, first: int) -> dict[str, Any]:
        return {"recording": dict(self.params), "first": first}

    def _take(self, part: Run, tokens: Tokens, total: Accumulator) -> None:
        total.add(tokens)
        self.parts.append(part)
        self.held.append(np.unique(tokens.row).astype(np.int64))

    def _record(self, recorder: Recorder, rows: Rows, first: int, total: Accumulator) -> None:
        shard, done = _Shard(first), first * self.params["batch"]

        def record(group: _Group) -> tuple[int, _Shard]:
            return len(group.rows), self._recorded(recorder, group)

        try:
            for count, found in in_order(self._groups(rows, first), record):
                shard.groups += 1
                shard.tokens += found.tokens
                shard.failed += found.failed
                for name, missing in found.without.items():
                    shard.without[name] += missing
                done += count
                self.control.tick(min(done, len(rows)))
                if shard.full:
                    shard = self._publish(shard, total)
        except (Cancelled, Interrupted):
            self._publish(shard, total)  # what is recorded need not be recorded again
            raise
        self._publish(shard, total)

    def _publish(self, shard: _Shard, total: Accumulator) -> _Shard:
        """Write a shard and add it up; the next one, still empty."""
        after = _Shard(shard.first + shard.groups)
        if not shard.groups:
            return after
        tokens = Tokens.joined(shard.tokens) if shard.tokens else _no_tokens(total)
        told = {"groups": shard.groups, "without": shard.without, "failed": shard.failed}
        part = self.workspace.runs.publish(
            PART,
            self._part(shard.first),
            told,
            {"tokens": tokens_table(tokens)},
            dataset=self.params["dataset"],
            group=TOKENS_AT_ONCE,
        )
        self._take(part, tokens, total)
        return after

    def _groups(self, rows: Rows, first: int) -> Iterator[_Group]:
        """The batches from one of them on, with what is to be read for each."""
        batch = self.params["batch"]
        ahead = max(batch, _READ_ROWS // batch * batch)
        for at in range(first * batch, len(rows), ahead):
            block = rows[at : at + ahead]
            loads, texts = self._sources(block)
            for start in range(0, len(block), batch):
                part = slice(start, start + batch)
                yield _Group(block[part].tolist(), loads[part], texts[part])

    def _sources(self, rows: Rows) -> tuple[list[Load | None], list[str | None]]:
        """Where the images of items lie, and their first captions."""
        tables, dataset = self.workspace.tables, self.params["dataset"]
        loads: list[Load | None] = [None] * len(rows)
        texts: list[str | None] = [None] * len(rows)
        if self.params["modalities"] != "text":
            columns = ["item", "uri", "offset", "length"]
            table = tables.take(dataset, rows, columns)
            places = zip(*(table[name].to_pylist() for name in columns), strict=True)
            loads = [None if place[1] is None else Load(*place) for place in places]
        if self.params["modalities"] != "image":
            found = tables.captions_of(dataset, rows)
            texts = [found[row][0][1] if found[row] else None for row in rows.tolist()]
        return loads, texts

    def _recorded(self, recorder: Recorder, group: _Group) -> _Shard:
        """Runs in the threads of ``in_order``."""
        self.control.check()
        found, inputs = _Shard(0), []
        for row, load, text in zip(group.rows, group.loads, group.texts, strict=True):
            pixels = None
            if load is not None:
                pixels = prepared(row, load, lambda each: self._pixels(recorder, each))
            if isinstance(pixels, Failed):
                found.failed.append(f"{pixels.name} ({pixels.reason})")
                self.control.log.warning("%s: %s", pixels.name, pixels.reason)
                pixels = None
            found.without["image"] += load is None
            found.without["text"] += text is None
            inputs.append(Input(row, pixels, text))
        tokens = recorder.record(inputs)
        found.tokens += [] if tokens is None else [tokens]
        return found

    def _pixels(self, recorder: Recorder, load: Load) -> Any:
        encoder = recorder.encoder
        self.control.check()
        encoder.gate.stand_aside(self.control.check)
        data = self.workspace.read_image(load.uri, load.offset, load.length)
        return encoder.preprocess.decode(data, load.name)

    def _held(self) -> pa.Table:
        rows = np.concatenate(self.held)
        shard = np.repeat(np.arange(len(self.held)), [len(each) for each in self.held])
        order = np.argsort(rows)
        return pa.table(
            {
                "row": pa.array(rows[order].astype(np.int32)),
                "shard": pa.array(shard[order].astype(np.int16)),
            }
        )

    def _result(self, recorder: Recorder, total: Accumulator, seconds: float) -> dict[str, Any]:
        inputs, factor = total.inputs(), self.params["capacity_factor"]
        counts = np.bincount(inputs.modality, minlength=len(MODALITIES)).tolist()
        chosen, kept = total.loads.sum(axis=(0, 1)), total.kept.sum(axis=(0, 1))
        dropped = [float(1 - k / c) if c else None for k, c in zip(kept, chosen, strict=True)]
        return {
            "layers": list(recorder.layers),
            "experts": total.experts,
            "top_k": total.top_k,
            "grid": recorder.model.config.grid,
            "inputs": dict(zip(MODALITIES, counts, strict=True)),
            "tokens": dict(zip(MODALITIES, map(int, total.tokens[0]), strict=True)),
            "dropped": dict(zip(MODALITIES, dropped, strict=True)),
            "capacity_factor": factor,
            "flags": {
                "dropless": factor is None,
                "score": "softmax",
                "bias_selected": False,
                "shared": False,
            },
            "notes": self._notes(),
            "seconds": seconds,
            "shards": [part.key for part in self.parts],
        }

    def _notes(self) -> list[str]:
        asked, factor = self.params, self.params["capacity_factor"]
        notes = [
            f"Batches of {asked['batch']} items drawn with seed {asked['seed']} compete for the "
            f"experts' room (capacity factor {factor:g})."
            if factor is not None
            else "Nothing is dropped: experts take every token that chooses them."
        ]
        if asked["modalities"] != "image":
            notes.append("The text of an item is its first caption; padding and the start mark "
                         "are no tokens.")  # fmt: skip
        for name, side, noun in zip(
            MODALITIES, ("text", "image"), ("image", "caption"), strict=True
        ):
            missing = sum(part.result["without"][name] for part in self.parts)
            if missing and asked["modalities"] != side:
                notes.append(f"{missing:,} items have no {noun}.")
        failed = [each for part in self.parts for each in part.result["failed"]]
        if failed:
            notes.append(_listed(failed))
        return notes


def _listed(failed: Sequence[str]) -> str:
    names = ", ".join(failed[:_LISTED]) + " ..." * (len(failed) > _LISTED)
    return f"{len(failed):,} images could not be read and are left out: {names}."


def _no_tokens(total: Accumulator) -> Tokens:
    """A shard of items that have neither image nor caption."""
    return Tokens(
        row=np.empty(0, np.int32),
        modality=np.empty(0, np.int8),
        layer=np.empty(0, np.int16),
        position=np.empty(0, np.int16),
        word=np.empty(0, np.int32),
        words=(),
        experts=np.empty((0, total.top_k), np.int16),
        gates=np.empty((0, total.top_k), np.float16),
        kept=np.empty((0, total.top_k), np.bool_),
        probs=np.empty((0, total.experts), np.float16),
    )
