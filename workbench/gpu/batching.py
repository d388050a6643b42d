"""How many items to compute at once: as fast as it gets, short, and within the memory."""

from __future__ import annotations

from workbench.errors import ModelError

__all__ = ["Batching"]

_GAIN = 1.05
"""A doubled batch must be faster by this factor, or the smaller one is kept."""


class Batching:
    """The batch size of one job; it grows while that pays, and shrinks when memory runs out.

    Args:
        start: first size.
        largest: never more than this.
        seconds: a batch shall not take longer, so that a job can stop and yield in time.
    """

    def __init__(self, start: int = 8, largest: int = 1024, seconds: float = 0.5) -> None:
        self.size, self.largest, self.seconds = min(start, largest), largest, seconds
        self._best = (0.0, self.size)
        self._seen = 0
        self.settled = False

    def learn(self, count: int, seconds: float) -> None:
        """Judge a batch that took so long; only full batches count.

        Of each size the second batch is judged: the first one pays for warming up.
        """
        if count < self.size:
            return
        rate = count / max(seconds, 1e-6)
        if seconds > 2 * self.seconds and self.size > 1:
            self.size = max(1, int(rate * self.seconds))
            self.settled = True
            return
        self._seen += 1
        if self.settled or self._seen < 2:
            return
        if rate < self._best[0] * _GAIN:
            self.size, self.settled = self._best[1], True
            return
        self._best, self._seen = (rate, self.size), 0
        doubled = min(self.size * 2, self.largest)
        self.settled = doubled == self.size or doubled / rate > self.seconds
        self.size = self.size if self.settled else doubled

    def shrink(self, failed: int, reason: str) -> None:
        """Halve the size for good, because a batch of ``failed`` items found no memory.

        Raises:
            ModelError: not even a single item fits.
        """
        if failed <= 1:
            raise ModelError(
                "the device has too little memory for a single item",
                expected="room for one",
                got=reason.split("\n", maxsplit=1)[0][:200],
                do="Close other programs that use it, or run the worker with --device cpu.",
            )
        self.size = self.largest = max(1, min(self.size, failed) // 2)
        self.settled = True
