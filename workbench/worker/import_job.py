"""The job ``import``: a path becomes items of a dataset, part by part."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.importers.importer import Importer, Skipped
from workbench.importers.register import check_options, find
from workbench.types import JobInfo, Record
from workbench.worker.import_reading import Entry, ahead, in_parallel
from workbench.worker.import_tables import Columns, Item, captions_table, items_table
from workbench.worker.import_vectors import model_for, store_vectors

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["run"]

PART_ENTRIES = 1024
PART_BYTES = 256 * 2**20
PART_SECONDS = 10.0
"""A part is published when it has so many entries, so many bytes of its own, or is so old."""

_TWICE = "another item of this source has the same name"
_REASONS = 20
_COUNT_SECONDS = 120.0


def run(job: JobInfo, workspace: Workspace, control: Control) -> dict[str, Any]:
    """Import ``params``: path, dataset, importer (key, or None to recognise it), options.

    Every part appears whole: a kill or a full disk leaves the parts before it. What the dataset
    has already is not decoded again, so running the job again continues it, and importing the
    same source twice adds nothing.

    Args:
        job: kind ``import``.
        workspace: where the dataset is, or will be.
        control: told of progress; raises when the job shall stop.

    Returns:
        ``imported``, ``already`` (were there before), ``skipped``, ``reasons`` (the 20 most
        frequent with their counts), ``seconds``, ``files_per_second``, ``items`` and
        ``captions`` of the dataset now, ``vectors`` per side, ``importer``, ``dataset``, and
        ``model`` of the vectors.

    Raises:
        InputError: the path, the importer or an option cannot be used, or nothing at all could
            be imported.
        DiskFull: no room left.
        Cancelled: the person asked to stop.
    """
    path, dataset = Path(job.params["path"]), str(job.params["dataset"])
    options = dict(job.params.get("options") or {})
    importer = find(path, job.params.get("importer"))
    check_options(importer, options)
    control.tick(message=f"Reading {path} as {importer.title}")
    info = dict(importer.info(path, **options))
    workspace.catalog.ensure_dataset(dataset, importer=importer.key, source=str(path), info=info)
    work = _Import(workspace, control, job.id, importer, path, dataset, options)
    return work.run(info)


@dataclass
class _Import:
    """One import under way: what was counted, and the part that is being filled."""

    workspace: Workspace
    control: Control
    job: int
    importer: Importer
    path: Path
    dataset: str
    options: dict[str, Any]
    imported: int = 0
    already: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    columns: Columns = field(default_factory=Columns)
    items: list[Item] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    taken: int = 0
    total: int | None = None
    waiting_bytes: int = 0
    published: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Entries dealt with, those of earlier imports included."""
        return self.already + self.taken

    def run(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """Import everything; ``info`` is the importer's."""
        began = time.monotonic()
        model = None
        if self.importer.brings_vectors:
            chosen = self.options.get("model")
            model = model_for(self.workspace, self.dataset, int(info["dim"]), chosen)
        self.columns.kinds.update(self._kinds())
        threading.Thread(target=self._count, name="import-counter", daemon=True).start()
        with closing(in_parallel(self._new_entries(), self.control.tick)) as results:
            for entry, outcome in results:
                self._take(entry, outcome)
                self.control.tick(done=self.done, total=self.total)
        self._publish()
        self._refuse_nothing()
        result = self._result(time.monotonic() - began)
        if model is not None:
            result["vectors"] = store_vectors(
                self.workspace,
                self.control,
                self.importer,
                path=self.path,
                dataset=self.dataset,
                model=model,
                options=self.options,
            )
            result["model"] = model.name
        self.control.tick(done=self.done, total=self.done, message=_sentence(result))
        self.control.beat()  # the last word is not kept back
        return result

    def _new_entries(self) -> Iterator[Entry]:
        """Entries that the dataset lacks; of two with one name the second is skipped."""
        seen: set[int] = set()
        for chunk in ahead(self.importer.records(self.path, **self.options), self.control.tick):
            names = [entry.key for entry in chunk if isinstance(entry, Record)]
            known = self.workspace.tables.known(self.dataset, names)
            for entry in chunk:
                if isinstance(entry, Skipped):
                    yield entry
                    continue
                self.columns.learn(entry.meta)
                if hash(entry.key) in seen:
                    yield Skipped(entry.key, _TWICE)
                elif entry.key in known:
                    self.already += 1
                else:
                    yield entry
                seen.add(hash(entry.key))

    def _take(self, entry: Entry, result: Item | Skipped) -> None:
        self.taken += 1
        if isinstance(result, Skipped):
            self.skipped.append(result)
            self.reasons[_general(result.reason)] += 1
            if not (self.importer.brings_vectors and isinstance(entry, Record)):
                return
            result = Item(replace(entry, source=None, data=None))  # its vector needs the row
        self.columns.learn(("frames",) if result.info and result.info.frames > 1 else ())
        self.items.append(result)
        self.waiting_bytes += len(result.record.data or b"")
        full = len(self.items) + len(self.skipped) >= PART_ENTRIES
        old = time.monotonic() - self.published > PART_SECONDS
        if full or old or self.waiting_bytes >= PART_BYTES:
            self._publish()

    def _publish(self) -> None:
        """Make the part appear, with its bytes, its skipped entries and the job's progress."""
        self.control.check()
        if not self.items and not self.skipped:
            return
        items = self._stored()
        skipped = [(entry.key, entry.reason) for entry in self.skipped]
        self.workspace.tables.append(
            self.dataset,
            items_table(items, self.columns),
            captions_table(items),
            job_id=self.job,
            done=self.done,
            skipped=skipped,
        )
        self.imported += len(items)
        self.items, self.skipped, self.waiting_bytes = [], [], 0
        self.published = time.monotonic()

    def _stored(self) -> list[Item]:
        """The items of the part, those with bytes of their own now in a media file."""
        chunks = [item.record.data for item in self.items if item.record.data is not None]
        if not chunks:
            return self.items
        sources = iter(self.workspace.tables.put_blob(self.dataset, chunks))
        return [
            item if item.record.data is None else replace(item, source=next(sources))
            for item in self.items
        ]

    def _kinds(self) -> dict[str, str]:
        """Kinds of the columns that the dataset has from earlier imports."""
        return dict(self.workspace.tables.engine.tabled(self.dataset).kinds)

    def _count(self) -> None:
        """Find the total meanwhile; the import does not wait for it."""
        # An error here is met by the import itself, which names it.
        with suppress(Exception):
            self.total = self.importer.total(self.path, seconds=_COUNT_SECONDS)

    def _refuse_nothing(self) -> None:
        if self.imported or self.already:
            return
        why = "; ".join(f"{count} × {reason}" for reason, count in self.reasons.most_common(5))
        raise InputError(
            f"nothing could be imported from {self.path}",
            expected="at least one image",
            got=why or "no files at all",
            do="The report of the dataset lists every file with its reason.",
        )

    def _result(self, seconds: float) -> dict[str, Any]:
        info = self.workspace.catalog.dataset(self.dataset)
        return {
            "dataset": self.dataset,
            "importer": self.importer.key,
            "imported": self.imported,
            "already": self.already,
            "skipped": sum(self.reasons.values()),
            "reasons": [[reason, n] for reason, n in self.reasons.most_common(_REASONS)],
            "seconds": round(seconds, 3),
            "files_per_second": round((self.done - self.already) / max(seconds, 1e-3), 1),
            "items": info.items,
            "captions": info.captions,
        }


def _general(reason: str) -> str:
    """A reason without its particulars (numbers, messages in brackets), for counting."""
    return reason.split(" (", 1)[0]


def _sentence(result: Mapping[str, Any]) -> str:
    parts = [f"{result['imported']:,} imported"]
    parts += [f"{result['already']:,} were there already"] * bool(result["already"])
    parts += [f"{result['skipped']:,} skipped"] * bool(result["skipped"])
    return f"{', '.join(parts)}; {result['files_per_second']:,} files a second."
