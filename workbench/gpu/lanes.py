"""Embeds on a CPU: every core decodes and computes its own batches, and none waits for another."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from workbench.gpu.batching import Batching
from workbench.gpu.forward import out_of_memory
from workbench.gpu.loading import Failed, prepared, threads
from workbench.types import Floats

__all__ = ["Lanes"]

Source = TypeVar("Source")


@dataclass
class _Done:
    """What became of one batch."""

    rows: list[int] = field(default_factory=list)
    vectors: Floats | None = None
    failed: list[Failed] = field(default_factory=list)
    seconds: float = 0.0
    halved: list[tuple[int, str]] = field(default_factory=list)


class Lanes(Generic[Source]):
    """A pool of threads, one a core, each computing on a single core.

    Splitting one batch over the cores makes them wait for each other after every operation. On a
    machine that does other work too, that was measured to cost a factor of 3 to 20; whole batches
    side by side cost nothing, and decoding shares the cores without a plan.

    Args:
        compute: items -> float32 (b, D); runs in the lanes. May run out of memory: the batch is
            then computed in halves.
        batching: the batch size of a lane, which it learns from the times measured here.
        lanes: threads; one a core when None.
        clock: seconds; by default those that the lane computed, so that the batch size does not
            follow what else the machine does.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Any]], Floats],
        batching: Batching,
        *,
        lanes: int | None = None,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._compute, self.batching, self._clock = compute, batching, clock
        self._lanes = lanes or threads()

    def run(
        self, stream: Iterable[tuple[int, Source]], prepare: Callable[[Source], Any]
    ) -> Iterator[tuple[list[int], Floats] | Failed]:
        """Compute a whole stream, in order.

        Args:
            stream: (row, source) pairs, read a few batches ahead.
            prepare: source -> item; runs in the lanes. InputError and WorkspaceError make the row
                ``Failed``.

        Yields:
            The rows of a batch and their vectors, and each failed row.

        Raises:
            ModelError: not even a single item fits in memory.
        """
        source = iter(stream)
        pending: deque[Future[_Done]] = deque()
        with ThreadPoolExecutor(
            self._lanes, thread_name_prefix="lane", initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            try:
                while True:
                    while len(pending) < 2 * self._lanes:
                        batch = list(islice(source, self.batching.size))
                        if not batch:
                            break
                        pending.append(pool.submit(self._batch, batch, prepare))
                    if not pending:
                        return
                    yield from self._landed(pending.popleft().result())
            finally:
                for future in pending:
                    future.cancel()

    def _landed(self, done: _Done) -> Iterator[tuple[list[int], Floats] | Failed]:
        for size, reason in done.halved:
            self.batching.shrink(size, reason)
        yield from done.failed
        if done.vectors is not None:
            if not done.halved:
                self.batching.learn(len(done.rows), done.seconds)
            yield done.rows, done.vectors

    def _batch(self, batch: list[tuple[int, Source]], prepare: Callable[[Source], Any]) -> _Done:
        done, items = _Done(), []
        for row, source in batch:
            result = prepared(row, source, prepare)
            if isinstance(result, Failed):
                done.failed.append(result)
            else:
                items.append(result)
                done.rows.append(row)
        began = self._clock()
        if items:
            done.vectors = np.concatenate(self._fitting(items, done))
        done.seconds = self._clock() - began
        return done

    def _fitting(self, items: list[Any], done: _Done) -> list[Floats]:
        """Vectors of items, in as many parts as the memory asks for."""
        try:
            return [self._compute(items)]
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            done.halved.append((len(items), str(error) or "out of memory"))
            if len(items) == 1:
                Batching().shrink(1, str(error))
        half = len(items) // 2
        return self._fitting(items[:half], done) + self._fitting(items[half:], done)
