"""How many cores compute one short query: all of them, unless other work makes them wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workbench.gpu.loading import threads

__all__ = ["Team"]

_LOOK_AGAIN = 20
"""After so many queries the slower choice is tried once more: the machine may have changed."""


class Team:
    """Chooses between one core and all cores by the times that queries took.

    Cores that share one operation wait for the slowest. On an idle machine that pays; where other
    programs hold the cores it was measured to make a query ten times slower. To be used in one
    thread only.

    Args:
        most: cores there are; at most 4 are used, as one text does not feed more.
    """

    def __init__(self, most: int | None = None) -> None:
        self.sizes = sorted({1, min(4, most or threads())})
        self._seconds: dict[int, float] = {}
        self._queries = 0

    def size(self) -> int:
        """Cores for the next query: each choice twice (the first time warms up), then the best."""
        if self._queries < 2 * len(self.sizes):
            return self.sizes[self._queries % len(self.sizes)]
        best = min(self.sizes, key=lambda size: self._seconds.get(size, 0.0))
        other = next((size for size in self.sizes if size != best), best)
        return other if self._queries % _LOOK_AGAIN == 0 else best

    def learn(self, size: int, seconds: float) -> None:
        """Note how long a query took with so many cores; the newest times count most."""
        if self._queries >= len(self.sizes):
            before = self._seconds.get(size, seconds)
            self._seconds[size] = 0.5 * before + 0.5 * seconds
        self._queries += 1

    @contextmanager
    def working(self, items: int) -> Iterator[None]:
        """The block of one query, on the chosen number of cores.

        Args:
            items: texts or images in it; times are compared for single ones only.
        """
        size = self.size()
        torch.set_num_threads(size)
        began = time.perf_counter()
        yield
        if items == 1:
            self.learn(size, time.perf_counter() - began)
