"""Counts an iterator within a time limit."""

from __future__ import annotations

import time
from collections.abc import Iterable

__all__ = ["count"]


def count(things: Iterable[object], seconds: float | None) -> int | None:
    """Number of things, or None when counting them takes longer.

    Args:
        things: counted by going through them.
        seconds: time limit; None for no limit. The clock is read every 64 things.
    """
    end = None if seconds is None else time.monotonic() + seconds
    number = 0
    for number, _ in enumerate(things, start=1):
        if end is not None and number % 64 == 0 and time.monotonic() > end:
            return None
    return number
