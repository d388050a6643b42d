"""Lets a person's query overtake a long job on the same processor, between two layers of a model.

On a CPU (or MPS) a batch of a long job may take half a second, and two forward passes at once
slow each other down far more than in proportion. So the job's thread looks at the gate before
each block of a model, and stands still while a query is being encoded. On CUDA the gate is not
installed: kernels of two streams share the device, and batches are short.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

__all__ = ["Gate", "install"]

_LONGEST_PAUSE = 5.0
"""Seconds after which a job takes one step although queries keep coming."""

_PATIENCE = 0.25
"""Seconds that a query waits for the job to stand still; one block rarely takes as long."""


class Gate:
    """Two kinds of threads meet here: ``background`` (a job) and ``interactive`` (a query)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queries = 0
        self._computing = 0
        self._own = threading.local()

    @contextmanager
    def interactive(self) -> Iterator[None]:
        """The block of a query: waits until jobs stand still, and holds them until it ends."""
        with self._changed:
            self._queries += 1
            self._changed.wait_for(lambda: self._computing == 0, _PATIENCE)
        try:
            yield
        finally:
            with self._changed:
                self._queries -= 1
                self._changed.notify_all()

    @contextmanager
    def background(self, check: Callable[[], None] | None = None) -> Iterator[None]:
        """The forward pass of a job: ``pause`` acts in this thread until the block ends.

        Args:
            check: called at each pause; raises when the job shall stop, which ends the pass.
        """
        self._own.check = check
        self.stand_aside(check)
        with self._changed:
            self._computing += 1
        self._own.background = True
        try:
            yield
        finally:
            self._own.background = False
            with self._changed:
                self._computing -= 1
                self._changed.notify_all()

    def pause(self) -> None:
        """Stand still while a query is encoded; returns at once in any other thread."""
        if not getattr(self._own, "background", False):
            return
        check: Callable[[], None] | None = self._own.check
        if check is not None:
            check()
        if self._queries == 0:
            return
        with self._changed:
            self._computing -= 1
            self._changed.notify_all()
        try:
            self.stand_aside(check)
        finally:
            with self._changed:
                self._computing += 1

    def stand_aside(self, check: Callable[[], None] | None = None) -> None:
        """Wait until no query is being encoded (five seconds at most): for threads that decode."""
        until = time.monotonic() + _LONGEST_PAUSE
        while self._queries and time.monotonic() < until:
            with self._changed:
                self._changed.wait_for(lambda: self._queries == 0, 0.2)
            if check is not None:
                check()


def install(model: nn.Module, gate: Gate) -> int:
    """Call ``gate.pause`` before every block of a model; return how many blocks it has.

    Blocks are the members of its lists and sequences of modules: residual blocks of transformers,
    stages of convolutional networks, and their parts. The call costs about a microsecond.
    """

    def before(_module: nn.Module, _inputs: Any) -> None:
        gate.pause()

    blocks = 0
    for parent in model.modules():
        if isinstance(parent, nn.ModuleList | nn.Sequential):
            for child in parent.children():
                child.register_forward_pre_hook(before)
                blocks += 1
    return blocks
