"""Uploaded files become a folder of the workspace, so that an import can read them for ever."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from store.files import draft

__all__ = ["FOLDER", "Uploaded", "find", "keep", "safe_name"]

FOLDER = "uploads"


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


def keep(root: Path, files: Sequence[Uploaded]) -> Path:
    """Write the files into ``uploads/<digest>/`` of the workspace and return that folder.

    The folder is named after names and contents, so the same upload is written once, however
    often a page asks. Each file appears whole or not at all.

    Raises:
        DiskFull: no room left; files that were written before stay.
    """
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        digest.update(safe_name(file.name).encode() + b"\0" + file.getbuffer())
    folder = f"{FOLDER}/{digest.hexdigest()}"
    for file in files:
        name = safe_name(file.name)
        if not (root / folder / name).exists():
            with draft(root, folder, name) as begun:
                begun.path.write_bytes(file.getbuffer())
                begun.name(name)
    return root / folder


def find(root: Path, place: str) -> Path | None:
    """A kept file by ``<digest>/<name>``, as ``keep`` wrote it; None when there is none such."""
    digest, _, name = place.partition("/")
    if not re.fullmatch(r"[0-9a-f]{16}", digest) or name != safe_name(name):
        return None
    path = root / FOLDER / digest / name
    return path if path.is_file() else None
