"""Names that become folders and keys: datasets, model keys."""

from __future__ import annotations

import re

from workbench.errors import InputError

__all__ = ["check_name"]

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


def check_name(noun: str, name: str) -> str:
    """The name itself, when it is safe as a folder name on every file system.

    Args:
        noun: what is named, for the message (``dataset``, ``model``).
        name: 1 to 64 of ``A-Z a-z 0-9 . _ -``, not beginning with a dot.

    Raises:
        InputError: anything else.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"{noun} name {name!r}",
            expected="1 to 64 letters, digits, '.', '_' or '-', not beginning with '.'",
            got=repr(name),
        )
    return name
