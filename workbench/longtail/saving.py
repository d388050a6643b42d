"""A few arrays and a JSON header in one file, written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DiskFull, InputError

__all__ = ["read_state", "write_state"]

_HEADER = "header"
_VERSION = 1
_UNREADABLE = (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)


def write_state(path: Path, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an npz file beside its place, sync it and rename it.

    Args:
        path: where it will lie; the folder exists.
        header: JSON-like facts.
        arrays: by name; numbers only.

    Raises:
        DiskFull: no room left; an older file at ``path`` is untouched.
    """
    text = json.dumps({"version": _VERSION, **header}, ensure_ascii=False)
    packed = np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)
    draft = path.with_name(f".tmp-{os.getpid()}-{secrets.token_hex(4)}-{path.name}")
    try:
        with draft.open("xb") as file:
            np.savez(file, allow_pickle=False, **{_HEADER: packed}, **arrays)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"{path} cannot be written", do="Free some room.") from error
        raise
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_state(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays of a file that ``write_state`` wrote.

    Raises:
        InputError: there is none, or it is damaged, or of another version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        header = json.loads(arrays.pop(_HEADER).tobytes().decode("utf-8", "surrogatepass"))
        version = header.pop("version")
    except _UNREADABLE as error:
        raise InputError(
            f"{path}", expected="saved counts", got=repr(error), do="Count this part again."
        ) from error
    if version != _VERSION:
        raise InputError(f"{path}", expected=f"version {_VERSION}", got=f"version {version}")
    return header, arrays
