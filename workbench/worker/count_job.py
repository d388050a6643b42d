"""The job ``count-concepts``: how often each concept of a class set is named in a corpus.

Every shard that was counted is kept until all are, so a count that was stopped goes on behind the
last of them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.errors import InputError
from workbench.longtail.concepts import Concepts
from workbench.longtail.corpus_report import Report
from workbench.longtail.counting import Counter
from workbench.longtail.rules import Options
from workbench.prompts.classes import ClassSet
from workbench.types import JobInfo
from workbench.worker.corpora import Readable, corpus_named, opened
from workbench.worker.count_question import KIND

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "concepts_of", "run"]

_PART = "count-shard"
EXAMPLES = 20


def concepts_of(workspace: Workspace, params: Mapping[str, Any]) -> Concepts:
    """The concepts of a count: its class set's names, with their synonyms where asked for."""
    classes = ClassSet.from_json(workspace.sets.get("classes", params["classes"]))
    return Concepts.of(classes.names, classes.synonyms if params["synonyms"] else ())


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Count what ``params`` ask, unless that was done before.

    ``params``: corpus (name), version (``Readable.key``), classes (key of a class set), synonyms,
    rule, options, code.

    Returns:
        ``run``: key of the run, whose result holds captions, matched, empty, problems (the first
        100), found (problems in all), rule, skip
        (words left out of the concepts), pairs_complete and seconds, and whose tables are
        ``concepts``, ``terms``, ``pairs`` and ``examples``.

    Raises:
        InputError: the corpus changed since, cannot be read, or holds no caption.
    """
    count = _Count(workspace, control, job.params)
    known = workspace.runs.find(KIND, job.params)
    if known is not None:
        count.forget(job.params["version"])  # what a kill after the last line left
        control.tick(message="Counted before; the result was kept.")
        return {"run": known.key}
    return {"run": count.run()}


@dataclass
class _Count:
    """One count under way."""

    workspace: Workspace
    control: Control
    params: Mapping[str, Any]

    def run(self) -> str:
        began = time.perf_counter()
        corpus = opened(self.workspace, corpus_named(self.workspace, self.params["corpus"]))
        if corpus.key != self.params["version"]:
            self.forget(corpus.key)
            raise InputError(
                f"corpus {self.params['corpus']!r}",
                expected="its files as when the count was asked for",
                got="others",
                do="Ask for the count again.",
            )
        first = Counter(
            concepts_of(self.workspace, self.params),
            self.params["rule"],
            Options(**self.params["options"]),
            examples=EXAMPLES,
        )
        total, report = self._passed(corpus, first, 0)
        again = total.second_pass()
        if again is not None:
            total, report = self._passed(corpus, again, 1)
        if not report.captions:
            self.forget(corpus.key)
            raise InputError(
                f"corpus {self.params['corpus']!r}",
                expected="captions",
                got="; ".join(map(str, report.problems[:3])) or "none",
            )
        self.control.tick(message="Writing counts")
        key = self._publish(total, report, time.perf_counter() - began)
        self.forget(corpus.key)
        return key

    def forget(self, version: str) -> None:
        """Drop this count's shards, and those that were counted in other versions of the corpus."""
        for part in self.workspace.runs.list(_PART):
            of = part.params["count"]
            old = of["corpus"] == self.params["corpus"] and of["version"] != version
            if old or of == self.params:
                self.workspace.runs.drop(part.key)

    def _passed(self, corpus: Readable, blank: Counter, which: int) -> tuple[Counter, Report]:
        """The counts of all shards; those that were counted before are only added."""
        total, report, done = blank, Report(), 0
        size = sum(shard.bytes for shard in corpus.shards)
        for shard in corpus.shards:
            asked = {"count": dict(self.params), "shard": shard.number, "pass": which}
            kept = self.workspace.runs.find(_PART, asked)
            if kept is None:
                rate = report.captions / done if done else 0  # captions a byte, so far
                part, told = self._counted(corpus, shard, blank, report.captions, rate * size)
                self._keep(asked, part, told)
            else:
                part, told = self._read(kept, blank)
            total.merge(part)
            report.merge(told)
            done += shard.bytes
        return total, report

    def _counted(
        self, corpus: Readable, shard: Any, blank: Counter, before: int, expected: float
    ) -> tuple[Counter, Report]:
        part, report = blank.blank(), Report()
        for table in corpus.read(shard, report):
            part.add(table["caption"], numbers=table["number"].combine_chunks())
            seen = before + report.captions
            total = max(round(expected), seen) if expected else None
            self.control.tick(seen, total, "Counting captions")
        return part, report

    def _keep(self, asked: Mapping[str, Any], part: Counter, report: Report) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part.npz"
            part.save(path)
            state = pa.table({"state": pa.array([path.read_bytes()], pa.large_binary())})
        told = {"report": report.to_json()}
        self.workspace.runs.publish(_PART, asked, told, {"state": state})

    def _read(self, kept: Run, blank: Counter) -> tuple[Counter, Report]:
        state = self.workspace.runs.table(kept, "state")["state"][0].as_py()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part.npz"
            path.write_bytes(state)
            return Counter.load(path, like=blank), Report.from_json(kept.result["report"])

    def _publish(self, total: Counter, report: Report, seconds: float) -> str:
        counts = total.counts(self.params["corpus"])
        terms, owner = counts.concepts.flat()
        concepts = pa.table(
            {
                "concept": pa.array(range(len(counts.concepts)), pa.int32()),
                "name": pa.array(counts.concepts.names),
                "captions": pa.array(counts.distinct),
                "most_frequent": pa.array(counts.most_frequent()),
            }
        )
        a, b, n = counts.pairs
        result = {
            "captions": counts.captions,
            "matched": counts.matched,
            "empty": report.empty,
            "found": report.found,
            "problems": [str(problem) for problem in report.problems],
            "pairs_complete": counts.pairs_complete,
            "rule": counts.rule,
            "skip": sorted(total.matcher.skip),
            "seconds": seconds,
        }
        tables = {
            "concepts": concepts,
            "terms": pa.table(
                {
                    "concept": owner,
                    "term": terms,
                    "captions": counts.by_term,
                    "alone": counts.alone,
                }
            ),
            "pairs": pa.table({"a": a, "b": b, "captions": n}),
            "examples": _examples(total),
        }
        info = corpus_named(self.workspace, self.params["corpus"])
        dataset = info.name if info.kind == "dataset" else None
        return self.workspace.runs.publish(KIND, self.params, result, tables, dataset=dataset).key


def _examples(total: Counter) -> pa.Table:
    """Captions kept for each concept: concept, number, caption; by concept, then number."""
    texts = total.texts  # made anew at each asking
    kept = [
        (concept, number)
        for concept, numbers in enumerate(total.examples.tolist())
        for number in numbers
        if number >= 0
    ]
    return pa.table(
        {
            "concept": pa.array([concept for concept, _ in kept], pa.int32()),
            "number": pa.array([number for _, number in kept], pa.int64()),
            "caption": pa.array([texts[number] for _, number in kept], pa.string()),
        }
    )
