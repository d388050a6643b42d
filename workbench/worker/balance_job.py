"""The job ``balance-corpus``: a corpus as MetaCLIP's cap would leave it, and one sample of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.balance import (
    Effective,
    distinct_pairs,
    effective,
    keep_probability,
    sample,
)
from workbench.longtail.corpus_report import Report
from workbench.longtail.matching import Matcher, blocks, strings
from workbench.longtail.rules import Options
from workbench.types import JobInfo, Rows
from workbench.worker.corpora import corpus_named, opened
from workbench.worker.count_job import concepts_of

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "MOST_TEXTS", "run"]

KIND = "balance-corpus"
MOST_TEXTS = 2_000_000
"""Captions whose text is kept with the sample; of a larger one only the numbers are."""


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Balance what ``params`` ask, unless that was done before.

    ``params``: count (key of a counting), cap (t), seed, code.

    Returns:
        ``run``: key of the run whose result has captions, matched, kept and kept_expected, and
        whose tables are ``concepts`` (concept, name, before, alone, expected, actual) and
        ``sample`` (number of each caption that stayed, with its text up to ``MOST_TEXTS``).

    Raises:
        InputError: the corpus changed since it was counted.
    """
    known = workspace.runs.find(KIND, job.params)
    if known is not None:
        control.tick(message="Balanced before; the result was kept.")
        return {"run": known.key}
    counted = workspace.runs.get(job.params["count"])
    corpus = opened(workspace, corpus_named(workspace, counted.params["corpus"]))
    if corpus.key != counted.params["version"]:
        raise InputError(
            f"corpus {counted.params['corpus']!r}",
            expected="its files as when it was counted",
            got="others",
            do="Count it again.",
        )
    concepts = concepts_of(workspace, counted.params)
    options = Options(**counted.params["options"])
    matcher = Matcher(concepts, counted.params["rule"], options, counted.result["skip"])
    counts = workspace.runs.table(counted, "concepts")["captions"].to_numpy()
    told = Report()
    sampled = _Sampled(counts, float(job.params["cap"]), int(job.params["seed"]))
    for shard in corpus.shards:
        for table in corpus.read(shard, told):  # what the count left out is left out here too
            for captions, numbers in _blocks(table):
                found = matcher.match(captions)
                pairs = distinct_pairs(found.caption, matcher.owner[found.term], len(concepts))
                sampled.add(captions, numbers, pairs)
                control.tick(sampled.read, counted.result["captions"], "Balancing captions")
    total = sampled.total
    if total is None:
        raise InputError("corpus to balance", expected="captions", got="none")
    columns = {name: getattr(total, name) for name in ("before", "alone", "expected", "actual")}
    named = {
        "concept": pa.array(range(len(concepts)), pa.int32()),
        "name": pa.array(concepts.names),
    }
    tables = {"concepts": pa.table({**named, **columns}), "sample": sampled.table()}
    figures = ("captions", "matched", "kept", "kept_expected")
    result = {name: getattr(total, name) for name in figures}
    return {"run": workspace.runs.publish(KIND, job.params, result, tables).key}


@dataclass
class _Sampled:
    """What was kept so far."""

    counts: NDArray[Any]
    cap: float
    seed: int
    read: int = 0
    total: Effective | None = None
    numbers: list[NDArray[Any]] = field(default_factory=list)
    texts: list[pa.Array] = field(default_factory=list)

    def add(
        self, captions: pa.StringArray, numbers: NDArray[Any], pairs: tuple[Rows, Rows]
    ) -> None:
        n, at = len(captions), self.read
        part = effective(*pairs, self.counts, self.cap, n, seed=self.seed, first=at)
        self.total = part if self.total is None else self.total + part
        keep = keep_probability(*pairs, self.counts, self.cap, n)
        stay = sample(keep, seed=self.seed, first=at) - at
        self.numbers.append(numbers[stay])
        if self.total.kept <= MOST_TEXTS:
            self.texts.append(captions.take(pa.array(stay)))
        self.read += n

    def table(self) -> pa.Table:
        numbers = np.concatenate([np.zeros(0, np.int64), *self.numbers])
        kept: dict[str, Any] = {"number": pa.array(numbers)}
        if sum(map(len, self.texts)) == len(numbers):
            kept["caption"] = pa.chunked_array(self.texts, pa.string())
        return pa.table(kept)


def _blocks(table: pa.Table) -> Iterator[tuple[pa.StringArray, NDArray[Any]]]:
    """Captions of a table in blocks of bounded size, with their numbers."""
    numbers = table["number"].to_numpy()
    first = 0
    for chunk in strings(pc.fill_null(table["caption"], "")):
        for begin, captions in blocks(chunk):
            at = first + begin
            yield captions, numbers[at : at + len(captions)]
        first += len(chunk)
