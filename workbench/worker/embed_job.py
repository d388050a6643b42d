"""The job ``embed``: vectors of every image and caption of a dataset by one model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import Cancelled, InputError
from workbench.gpu.batching import Batching
from workbench.gpu.forward import Forward
from workbench.gpu.lanes import Lanes
from workbench.gpu.loading import Failed, Load, ahead
from workbench.gpu.preprocess import Pixels
from workbench.types import Floats, JobInfo, ModelInfo, Side
from workbench.worker.control import Interrupted

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.gpu.encoder import Encoder
    from workbench.worker.control import Control

__all__ = ["SHARD_ROWS", "SHARD_SECONDS", "run"]

SHARD_ROWS = 2048
SHARD_SECONDS = 15.0
"""A shard is published when it has so many rows or is so old: what a kill can cost."""

LANE_SECONDS = 1.5
"""How long a batch takes a core. Measured: 8 images of ViT-B-32, which are as fast as 16 and a
tenth faster than 4. A cancel and a query need not wait for it: each block of the model looks."""

_LISTED = 5  # unreadable images that the error names


def run(job: JobInfo, workspace: Workspace, control: Control) -> dict[str, Any]:
    """Embed ``params``: dataset, model (name or key), sides (``image``, ``caption``).

    Continues at the rows that have no vector yet, so it can be killed, cancelled and repeated.
    Items without an image (a source of captions only) get no vector and are no error. An image
    that cannot be read (its file has gone) gets no vector either; every other row does, and then
    the job fails with the names, so that a retry reads only these again.

    Args:
        job: kind ``embed``.
        workspace: where the dataset is.
        control: gives the model, is told of progress, raises when the job shall stop.

    Returns:
        ``rows`` a side, ``without_image``, ``seconds``, ``per_second``, ``batch``, ``device``,
        ``precision``.

    Raises:
        UnknownName: no such dataset or model.
        ModelError: the model cannot be loaded.
        InputError: some images could not be read; the rest is done.
    """
    dataset, sides = str(job.params["dataset"]), list(job.params["sides"])
    model = workspace.catalog.model(str(job.params["model"]))
    workspace.catalog.dataset(dataset)
    control.tick(message=f"Loading {model.name}")
    encoder = control.models.get(model.key)
    work = _Embedding(workspace, control, encoder, model, dataset, job.id)
    return work.run(sides)


@dataclass
class _Embedding:
    """One embedding under way."""

    workspace: Workspace
    control: Control
    encoder: Encoder
    model: ModelInfo
    dataset: str
    job: int
    done: int = 0
    computed: int = 0
    batch: int = 0
    without_image: int = 0
    failed: list[Failed] = field(default_factory=list)

    def run(self, sides: Sequence[Side]) -> dict[str, Any]:
        infos = [self.workspace.vectors.info(self.dataset, self.model.key, side) for side in sides]
        self.done = sum(info.done for info in infos)
        total = sum(info.total for info in infos)
        self.control.tick(self.done, total, self._where(), device=self.encoder.device.title)
        began = time.monotonic()
        for side in sides:
            self._side(side)
        seconds = time.monotonic() - began
        self._report_failures()
        result = self._result(sides, seconds)
        self.control.tick(message=f"{self.computed:,} vectors, {result['per_second']:,} a second.")
        return result

    def _where(self) -> str:
        """Device and precision; loudly when a GPU is left unused."""
        where = f"Computing on {self.encoder.device.title} in {self.encoder.precision}"
        if self.control.models.gpu_present and self.encoder.device.kind == "cpu":
            return f"{where}, ALTHOUGH THIS MACHINE HAS A GPU: run the worker with --device auto"
        return where

    def _side(self, side: Side) -> None:
        shard = _Shard(self, side)
        batching, results = self._driven(side)
        try:
            for result in results:
                if isinstance(result, Failed):
                    self.failed.append(result)
                    self.control.log.warning("%s: %s", result.name, result.reason)
                else:
                    shard.add(*result)
                    self.computed += len(result[0])
                self.control.tick(done=self.done + shard.rows)
        except (Cancelled, Interrupted):
            shard.publish()  # what is computed need not be computed again
            raise
        shard.publish()
        self.batch = max(self.batch, batching.size)

    def _driven(self, side: Side) -> tuple[Batching, Iterator[tuple[list[int], Floats] | Failed]]:
        """The rows of a side on their way through the model: on a GPU, or on every core."""
        stream: Iterator[tuple[int, Any]] = self._captions()
        prepare: Callable[[Any], Any] = str
        start: Callable[[Sequence[Any]], Any] = self._start_texts
        if side == "image":
            stream, prepare, start = self._images(), self._pixels, self._start_images
        finish = self.encoder.finish
        if self.encoder.device.kind == "cpu":
            batching = Batching(start=4, largest=64, seconds=LANE_SECONDS)
            lanes: Lanes[Any] = Lanes(lambda items: finish(start(items)), batching)
            return batching, lanes.run(stream, prepare)
        batching = Batching(start=64)
        forward: Forward[Any] = Forward(start, finish, batching)
        loaded = ahead(stream, prepare, window=lambda: 2 * batching.size)
        return batching, forward.run(self._ticking(loaded))

    def _ticking(self, stream: Iterator[Any]) -> Iterator[Any]:
        for thing in stream:
            self.control.tick()
            yield thing

    def _start_images(self, items: Sequence[Pixels]) -> Any:
        with self.encoder.gate.background(self.control.check):
            return self.encoder.start_images(np.stack(items))

    def _start_texts(self, items: Sequence[str]) -> Any:
        with self.encoder.gate.background(self.control.check):
            return self.encoder.start_texts(items)

    def _pixels(self, load: Load) -> Pixels:
        """Runs in the threads that decode; they too let a query pass."""
        self.control.check()
        self.encoder.gate.stand_aside(self.control.check)
        data = self.workspace.read_image(load.uri, load.offset, load.length)
        return self.encoder.preprocess.decode(data, load.name)

    def _images(self) -> Iterator[tuple[int, Load]]:
        columns = ["row", "item", "uri", "offset", "length"]
        for rows in self._missing("image"):
            table = self.workspace.tables.take(self.dataset, rows, columns)
            for row, item, uri, offset, length in zip(
                *(table[name].to_pylist() for name in columns), strict=True
            ):
                if uri is None:
                    self.without_image += 1
                else:
                    yield row, Load(item, uri, offset, length)

    def _captions(self) -> Iterator[tuple[int, str]]:
        for rows in self._missing("caption"):
            table = self.workspace.tables.captions(self.dataset, rows)
            yield from zip(rows.tolist(), table["text"].to_pylist(), strict=True)

    def _missing(self, side: Side) -> Iterator[Any]:
        """Rows without a vector, in arrays of up to 2,048."""
        for start, stop in self.workspace.vectors.missing(self.dataset, self.model.key, side):
            for at in range(start, stop, SHARD_ROWS):
                yield np.arange(at, min(at + SHARD_ROWS, stop), dtype=np.int64)

    def _report_failures(self) -> None:
        if not self.failed:
            return
        names = [f"{failed.name} ({failed.reason})" for failed in self.failed[:_LISTED]]
        raise InputError(
            f"{len(self.failed):,} images of {self.dataset} could not be read",
            expected="the files as they were imported",
            got="; ".join(names) + " ..." * (len(self.failed) > _LISTED),
            do="All other images have their vectors. Put the files back and retry the job, which "
            "then reads only these; its log lists them all.",
        )

    def _result(self, sides: Iterable[Side], seconds: float) -> dict[str, Any]:
        infos = {s: self.workspace.vectors.info(self.dataset, self.model.key, s) for s in sides}
        return {
            "rows": {side: info.done for side, info in infos.items()},
            "without_image": self.without_image,
            "seconds": round(seconds, 2),
            "per_second": round(self.computed / max(seconds, 1e-3), 1),
            "batch": self.batch,
            "device": self.encoder.device.title,
            "precision": self.encoder.precision,
        }


class _Shard:
    """Vectors that are computed and not yet published.

    Args:
        work: the embedding they belong to.
        side: of the dataset.
    """

    def __init__(self, work: _Embedding, side: Side) -> None:
        self._work, self._side = work, side
        self._rows: list[int] = []
        self._vectors: list[Floats] = []
        self._since = time.monotonic()

    @property
    def rows(self) -> int:
        """How many wait."""
        return len(self._rows)

    def add(self, rows: Sequence[int], vectors: Floats) -> None:
        """Take a batch; publish when the shard is full or old."""
        self._rows.extend(rows)
        self._vectors.append(vectors)
        old = time.monotonic() - self._since > SHARD_SECONDS
        if len(self._rows) >= SHARD_ROWS or old:
            self.publish()

    def publish(self) -> None:
        """Write each run of consecutive rows as a file, recorded with the job's progress."""
        work = self._work
        self._since = time.monotonic()
        if not self._rows:
            return
        rows, vectors = np.array(self._rows), np.concatenate(self._vectors)
        self._rows, self._vectors = [], []
        for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
            for at in range(0, len(run), SHARD_ROWS):
                part = run[at : at + SHARD_ROWS]
                work.done += len(part)
                work.workspace.vectors.write(
                    work.dataset,
                    work.model.key,
                    self._side,
                    int(rows[part[0]]),
                    vectors[part],
                    job_id=work.job,
                    done=work.done,
                )
