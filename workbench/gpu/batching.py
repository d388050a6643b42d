"""How many items to compute at once: enough to be efficient, few enough to stop and to fit."""

from __future__ import annotations

from workbench.errors import ModelError

__all__ = ["Batching"]


class Batching:
    """The batch size of one job: a power of two that takes about a fixed time.

    A quarter of a second is long beside the cost of starting a batch, so that larger ones are
    hardly faster, and short for a person who cancels. The time alone decides, as on a busy
    machine the speeds of two sizes cannot be told apart.

    Args:
        start: first size.
        largest: never more than this.
        seconds: how long a batch should take.
    """

    def __init__(self, start: int = 8, largest: int = 1024, seconds: float = 0.25) -> None:
        self.size, self.largest, self.seconds = min(start, largest), largest, seconds
        self._rate = 0.0

    def learn(self, count: int, seconds: float) -> None:
        """Adapt to a batch that took so long; at most one doubling a batch."""
        if count < self.size:
            return  # the rest of a stream
        rate = count / max(seconds, 1e-6)
        self._rate = rate if self._rate == 0 else 0.7 * self._rate + 0.3 * rate
        wanted = max(1, int(self._rate * self.seconds))
        power = 1 << (wanted.bit_length() - 1)
        self.size = max(1, min(power, 2 * self.size, self.largest))

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
        self.largest = max(1, min(self.largest, failed // 2))
        self.size = min(self.size, self.largest)
