"""Uploaded files become a folder of the workspace, so that an import can read them for ever."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

__all__ = ["Uploaded", "keep", "safe_name"]


class Uploaded(Protocol):
    """A file that a browser sent."""

    @property
    def name(self) -> str:
        """What the person's machine calls it; not to be trusted."""

    def getbuffer(self) -> memoryview:
        """Its bytes."""


def safe_name(name: str) -> str:
    """A file name without folders, control characters or leading dots; never empty."""
    last = re.split(r"[\\/]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f]", "", last).lstrip(".").strip()[-150:] or "file"


def keep(files: Sequence[Uploaded], root: Path) -> Path:
    """Write the files into ``root/uploads/<digest>/`` and return that folder.

    The folder is named after names and contents, so the same upload is kept once. Each file
    appears whole or not at all.
    """
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        digest.update(safe_name(file.name).encode() + b"\0" + file.getbuffer())
    folder = root / "uploads" / digest.hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        _write(folder / safe_name(file.name), file.getbuffer())
    return folder


def _write(path: Path, data: memoryview) -> None:
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    with temporary.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(path)
