"""Where frequencies and accuracies come from: made here, or published."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.api.corpora import Corpora
from workbench.api.run_changes import Changes
from workbench.errors import InputError, UnknownName
from workbench.longtail import published
from workbench.longtail.frequency import Frequency, of_counts, of_table
from workbench.longtail.misalignment import Misalignment, misalignment
from workbench.longtail.reference import Reference, reference_fit
from workbench.worker.retrieved import caption_pairs

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run

__all__ = ["Accuracies", "Frequencies", "PublishedTable", "Source"]

COUNTS, ACCURACIES = "published-counts", "published-accuracies"
_KEYS = {
    COUNTS: ("pretraining", "method", "benchmark"),
    ACCURACIES: ("pretrained", "backbone", "prompts", "benchmark"),
}
_IMAGES = "images"
_Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Source:
    """Something that frequencies (or accuracies) can be taken from.

    Args:
        key: names it in addresses and commands.
        title: on screen.
        kind: ``counted`` here, ``images`` tagged by a model here, a ``run`` here, or ``published``.
    """

    key: str
    title: str
    kind: str


@dataclass(frozen=True)
class Accuracies:
    """Accuracy of each class, of a run made here or as published.

    Args:
        title: whose.
        names: C classes.
        accuracy: float64 (C,) in percent; NaN where a class has no images.
        images: int64 (C,) that each rests on; None where nobody says.
        run: key of the run; empty for published ones, which have no images here.
        benchmark: that published ones are of; the dataset's name otherwise.
    """

    title: str
    names: tuple[str, ...]
    accuracy: NDArray[np.float64]
    images: NDArray[np.int64] | None
    run: str
    benchmark: str


@dataclass(frozen=True)
class PublishedTable:
    """A table of published counts or accuracies that was read in.

    Args:
        key: of the table.
        name: of its file.
        rows: in it.
        columns: that tell its parts from one another: pretraining, method, benchmark ...
        groups: every combination of their values that has rows, sorted.
    """

    key: str
    name: str
    rows: int
    columns: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]


class Frequencies(Changes, Corpora):
    """Frequencies and accuracies, wherever they come from."""

    def add_published(self, path: str | Path, *, accuracies: bool = False) -> PublishedTable:
        """Read published counts (or per-class accuracies) into the workspace.

        CSV, TSV or Parquet with the columns of ``workbench.longtail.published``, and the JSON
        layouts of the two repositories. The same file twice adds nothing.

        Raises:
            InputError: no such file, or a missing column; the message names those there are.
        """
        path = Path(path)
        read = published.read_accuracies if accuracies else published.read_counts
        table = read(path)
        digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        kind = ACCURACIES if accuracies else COUNTS
        params = {"name": path.name, "digest": digest}
        run = self.workspace.runs.find(kind, params)
        if run is None:
            columns = list(_KEYS[kind])
            rows = table.select(columns).group_by(columns).aggregate([]).to_pylist()
            groups = sorted([str(row[name]) for name in columns] for row in rows)
            result = {"rows": table.num_rows, "groups": groups}
            run = self.workspace.runs.publish(kind, params, result, {"rows": table})
        return _described(run)

    def published_tables(self, *, accuracies: bool = False) -> tuple[PublishedTable, ...]:
        """The tables that were read in, newest first."""
        return tuple(
            map(_described, self.workspace.runs.list(ACCURACIES if accuracies else COUNTS))
        )

    def remove_published(self, key: str) -> None:
        """Forget a published table."""
        if self.workspace.runs.get(key).kind in (COUNTS, ACCURACIES):
            self.workspace.runs.drop(key)

    def _published(self, key: str, **where: str) -> pa.Table:
        """Rows of a published table in which every column has the value asked for."""
        run = self.workspace.runs.get(key)
        table = self.workspace.runs.table(run, "rows")
        for column, value in where.items():
            table = table.filter(pc.equal(table[column], value))
        return table

    def frequency_sources(self) -> tuple[Source, ...]:
        """What frequencies can be taken from: countings, published counts, image tags of runs.

        A published table is one source for each corpus, method and benchmark in it.
        """
        found = [Source(f"count:{c.key}", c.label, "counted") for c in self.counts()]
        for table in self.published_tables():
            found += _sources(table)
        return tuple(found)

    def accuracy_sources(self) -> tuple[Source, ...]:
        """What accuracies can be taken from: zero-shot runs, and published accuracies."""
        found = [
            Source(f"run:{run.key}", f"{run.dataset} · {run.model} · {run.head_title}", "run")
            for run in self.zero_shot_runs()
        ]
        for table in self.published_tables(accuracies=True):
            found += _sources(table)
        return tuple(found)

    def frequency(self, source: str) -> Frequency:
        """The frequencies of a source.

        Args:
            source: key of one of ``frequency_sources``, or ``images:RUN:THRESHOLD`` for how many
                images a zero-shot run tags with each class at a probability of at least so much.

        Raises:
            UnknownName: no such source.
            InputError: a threshold that is no number in (0, 1].
        """
        kind, _, rest = source.partition(":")
        if kind == "count":
            return of_counts(self.counted(rest))
        if kind == _IMAGES:
            key, _, threshold = rest.partition(":")
            return self._image_frequency(key, threshold)
        key, values = self._split(source, COUNTS)
        table = self._published(key, **values)
        return of_table(
            table,
            benchmark=values["benchmark"],
            pretraining=values["pretraining"],
            method=values["method"],
        )

    def _split(self, source: str, kind: str) -> tuple[str, dict[str, str]]:
        """Key of a published table and the values that a source's key names."""
        parts = source.split(":")
        columns = _KEYS[kind]
        known = {run.key for run in self.workspace.runs.list(kind)}
        if parts[0] != "published" or len(parts) != 2 + len(columns) or parts[1] not in known:
            sources = self.frequency_sources() if kind == COUNTS else self.accuracy_sources()
            raise UnknownName("source", source, [each.key for each in sources])
        return parts[1], dict(zip(columns, map(unquote, parts[2:]), strict=True))

    def accuracies(self, source: str) -> Accuracies:
        """The accuracy of each class of a source.

        Raises:
            UnknownName: no such source.
        """
        kind, _, rest = source.partition(":")
        if kind == "run":
            run = self.zero_shot_run(rest)
            table = self.run_classes(rest)
            values = table["accuracy"].to_numpy(zero_copy_only=False).astype(np.float64)
            return Accuracies(
                title=f"{run.dataset} · {run.model} · {run.head_title}",
                names=tuple(table["name"].to_pylist()),
                accuracy=100 * values,
                images=table["n"].to_numpy().astype(np.int64),
                run=rest,
                benchmark=run.dataset,
            )
        key, values = self._split(source, ACCURACIES)
        found = self._published(key, **values)
        return Accuracies(
            title=" · ".join(values.values()),
            names=tuple(found["concept"].to_pylist()),
            accuracy=found["accuracy"].to_numpy(zero_copy_only=False).astype(np.float64),
            images=None,
            run="",
            benchmark=values["benchmark"],
        )

    def reference(
        self,
        counts: str,
        accuracies: str,
        *,
        backbone: str | None = None,
        pretraining: str | None = None,
        prompts: str | None = None,
    ) -> tuple[Reference, ...]:
        """The published log-linear fit, computed again from two published tables.

        Args:
            counts: key of a table of counts.
            accuracies: key of a table of accuracies.
            backbone: only this architecture; all when None. The next two alike.
            pretraining: only this corpus.
            prompts: only these prompts.
        """
        return reference_fit(
            self._published(counts),
            self._published(accuracies),
            backbone=backbone,
            pretraining=pretraining,
            prompts=prompts,
        )

    def _image_frequency(self, key: str, threshold: str) -> Frequency:
        try:
            least = float(threshold)
        except ValueError:
            least = float("nan")
        if not 0 < least <= 1:
            raise InputError("threshold", expected="a probability in (0, 1]", got=repr(threshold))
        run = self.zero_shot_run(key)
        _, concept = self._tags(key, least)
        counts = np.bincount(concept, minlength=run.classes).astype(np.float64)
        names = tuple(self.run_classes(key)["name"].to_pylist())
        return Frequency(names, counts, run.dataset, f"images tagged by {run.model} at {least:g}")

    def _tags(self, key: str, least: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(row of the item, class) of every tag: the ten best classes, where likely enough."""
        table = self.workspace.predictions.table(self.workspace.runs.get(key))
        rows = table["row"].to_numpy().astype(np.int64)
        top, likely = (
            table[name].combine_chunks().flatten().to_numpy().reshape(len(rows), -1)
            for name in ("top", "probabilities")
        )
        places, columns = np.nonzero(likely >= least)
        return rows[places], top[places, columns].astype(np.int64)

    def misalignment(self, count: str, run: str, threshold: float = 0.5) -> Misalignment:
        """How far captions and images of a dataset name different concepts.

        Of the items that the run looked at.

        Args:
            count: key of a counting of the dataset's own captions.
            run: key of a zero-shot run on the same dataset with the same classes.
            threshold: an image has a class from this probability on.

        Raises:
            InputError: another dataset, other classes, or a corpus without images.
        """
        return self._two_sides(count, run, threshold)[2]

    def _two_sides(
        self, count: str, run: str, threshold: float
    ) -> tuple[_Pairs, _Pairs, Misalignment, tuple[int, ...]]:
        """Captions and images of the items that the run looked at.

        Returns:
            (row, concept) of the captions, the same of the images, how far both differ, and the
            rows that have nothing in common.
        """
        counted, asked = self._counted(count), self._zero_shot(run)
        corpus, dataset = counted.params["corpus"], asked.params["dataset"]
        if corpus != dataset:
            do = f"Count the run's classes in the captions of {dataset}."
            raise InputError("dataset of the run", expected=corpus, got=dataset, do=do)
        if counted.params["classes"] != asked.params["classes"]:
            sets = (
                self.workspace.sets.name("classes", r.params["classes"]) for r in (counted, asked)
            )
            expected, got = (f"{name!r}" for name in sets)
            do = "Count the run's own classes."
            raise InputError("classes of the run", expected=expected, got=got, do=do)
        items = self.workspace.catalog.dataset(counted.params["corpus"]).items
        looked = np.zeros(items, dtype=bool)
        looked[self.workspace.predictions.table(asked)["row"].to_numpy()] = True
        rows, concepts = self._caption_pairs(counted)
        text = (rows[looked[rows]], concepts[looked[rows]])
        image = self._tags(run, threshold)
        size = self.zero_shot_run(run).classes
        degree, apart = misalignment(text, image, concepts=size, samples=items)
        degree = replace(degree, samples=int(looked.sum()))
        return text, image, degree, tuple(apart.tolist())

    def _caption_pairs(self, counted: Run) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(row of the item, concept) of every match in a dataset's own captions."""
        captions, concepts = caption_pairs(self.workspace, counted)
        return self.workspace.tables.caption_items(counted.params["corpus"])[captions], concepts


def _described(run: Run) -> PublishedTable:
    groups = tuple(tuple(group) for group in run.result["groups"])
    return PublishedTable(run.key, run.params["name"], run.result["rows"], _KEYS[run.kind], groups)


def _quoted(value: str) -> str:
    """A name as a part of a source's key, whose parts are joined by colons."""
    return value.replace("%", "%25").replace(":", "%3A")


def _sources(table: PublishedTable) -> list[Source]:
    keys = [":".join(("published", table.key, *map(_quoted, group))) for group in table.groups]
    titles = map(" · ".join, table.groups)
    return [Source(key, title, "published") for key, title in zip(keys, titles, strict=True)]
