"""Bytes of one image, from its own file, a span of a container, or the workspace's media."""

from __future__ import annotations

import stat
from pathlib import Path

from workbench.errors import InputError, WorkspaceDamaged
from workbench.importers.location import path_of, readable

__all__ = ["read_image", "resolve"]


def resolve(root: Path, uri: str) -> Path:
    """The file that a uri means.

    Args:
        root: the workspace.
        uri: an absolute path as the importers store it, or one relative to the workspace, which
            may not lead out of it.

    Raises:
        InputError: a relative path leads out of the workspace, also through a link.
    """
    path = path_of(uri)
    if path.is_absolute():
        return path
    inside = (root / path).resolve()
    if not inside.is_relative_to(root.resolve()):
        raise InputError(
            f"image {readable(uri)!r}", expected="a path inside the workspace", got="one outside"
        )
    return inside


def read_image(root: Path, uri: str, offset: int = 0, length: int = -1) -> bytes:
    """The bytes of one image.

    Args:
        root: the workspace.
        uri: see ``resolve``.
        offset: first byte.
        length: number of bytes; -1 reads to the end.

    Raises:
        InputError: a file outside the workspace has gone, changed its length or is no plain file.
        WorkspaceDamaged: a media file of the workspace is missing or truncated.
    """
    path = resolve(root, uri)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise _gone(root, path, "something that is no file")
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(length if length >= 0 else -1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise _gone(root, path, reason) from error
    if 0 <= length != len(data):
        raise _gone(root, path, f"only {len(data):,} of {length:,} bytes at {offset:,}")
    return data


def _gone(root: Path, path: Path, reason: str) -> InputError | WorkspaceDamaged:
    what = f"image file {readable(str(path))} cannot be read"
    if path.is_relative_to(root.resolve()):
        return WorkspaceDamaged(
            what, expected="the media file", got=reason, do="Run `workbench doctor`."
        )
    return InputError(
        what,
        expected="the file that was imported",
        got=reason,
        do="Put it back, or delete the dataset and import it again from where it is now.",
    )
