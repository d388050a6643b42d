"""Drives items through a GPU batch by batch, one ahead, and survives a full memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import torch

from workbench.gpu.batching import Batching
from workbench.gpu.loading import Failed
from workbench.types import Floats

__all__ = ["Forward", "out_of_memory"]

Item = TypeVar("Item")


class Forward(Generic[Item]):
    """Items in, (rows, vectors) out, in order; none lost or doubled.

    Args:
        start: launches a batch and returns a handle; on a GPU without waiting for it. May raise
            ``torch.OutOfMemoryError``: the batch is then computed again in halves.
        finish: handle -> float32 (b, D).
        batching: the batch size, which it learns from the times measured here.
        depth: batches that may be launched and not yet waited for: with 1, the host prepares the
            next batch while the GPU computes.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        start: Callable[[Sequence[Item]], Any],
        finish: Callable[[Any], Floats],
        batching: Batching,
        *,
        depth: int = 1,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._start, self._finish, self.batching = start, finish, batching
        self._depth, self._clock = depth, clock
        self._flying: deque[tuple[list[int], Any, float]] = deque()
        self._landed = 0.0

    def run(
        self, stream: Iterable[tuple[int, Item] | Failed]
    ) -> Iterator[tuple[list[int], Floats] | Failed]:
        """Compute a whole stream.

        Args:
            stream: (row, item) pairs, and failed rows, which are passed on.

        Yields:
            The rows of a batch and their vectors, and each failed row.

        Raises:
            ModelError: not even a single item fits in memory.
        """
        waiting: list[tuple[int, Item]] = []
        for pair in stream:
            if isinstance(pair, Failed):
                yield pair
                continue
            waiting.append(pair)
            if len(waiting) >= self.batching.size:
                yield from self._batches(waiting)
                waiting = []
        yield from self._batches(waiting)
        while self._flying:
            yield self._land()

    def _batches(self, pairs: list[tuple[int, Item]]) -> Iterator[tuple[list[int], Floats]]:
        at = 0
        while at < len(pairs):
            batch = pairs[at : at + self.batching.size]
            began = self._clock()
            handle, reason = self._launch([item for _, item in batch])
            if reason:
                while self._flying:
                    yield self._land()
                self.batching.shrink(len(batch), reason)
                _release_memory()
                continue
            at += len(batch)
            self._flying.append(([row for row, _ in batch], handle, began))
            while len(self._flying) > self._depth:
                yield self._land()

    def _launch(self, items: list[Item]) -> tuple[Any, str]:
        """A handle; or the reason, when memory ran out.

        The traceback, which holds on to the tensors of the failed pass, ends with this function.
        """
        try:
            return self._start(items), ""
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            return None, str(error) or "out of memory"

    def _land(self) -> tuple[list[int], Floats]:
        rows, handle, began = self._flying.popleft()
        vectors = self._finish(handle)
        now = self._clock()
        # on a GPU the batch before it was still running when this one was launched
        self.batching.learn(len(rows), now - max(began, self._landed))
        self._landed = now
        return rows, vectors


def out_of_memory(error: BaseException) -> bool:
    """True for want of memory of a GPU, of Apple's MPS or of the host, however torch words it."""
    text = str(error).lower()
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or "out of memory" in text or "allocate memory" in text


def _release_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
