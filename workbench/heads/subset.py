"""A choice of classes by number, as a person types it: ``0-49,60``."""

from __future__ import annotations

import re

import numpy as np

from workbench.errors import InputError
from workbench.types import Rows

__all__ = ["chosen_classes"]

_PART = re.compile(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?")


def chosen_classes(text: str, classes: int) -> Rows:
    """Class numbers that the text names, ascending and once each; all of them if it is blank.

    Args:
        text: numbers from 0 and ranges that include both ends, parted by commas.
        classes: C.

    Returns:
        int64 (L,), 1 <= L <= C.

    Raises:
        InputError: something else than numbers and ranges, or a number that is no class.
    """
    if not text.strip():
        return np.arange(classes, dtype=np.int64)
    chosen: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else -1
        if not first <= last < classes:
            expected = f"numbers and ranges from 0 to {classes - 1}, such as 0-4,7"
            raise InputError("choice of classes", expected=expected, got=repr(part.strip()))
        chosen.update(range(first, last + 1))
    return np.array(sorted(chosen), np.int64)
