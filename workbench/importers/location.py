"""File names <-> the text that is stored for them, and the bytes that a source points to."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from workbench.errors import BadImage
from workbench.importers.image import LIMITS, Limits
from workbench.types import Source

__all__ = ["is_url", "local_source", "path_of", "read", "readable", "uri_of"]

_SCHEME = "file://"


def readable(name: str) -> str:
    r"""A file name as text that can be stored and shown: undecodable bytes become ``\xe9``.

    Args:
        name: as Python reads it from the disk (undecodable bytes as lone surrogates).
    """
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a lone surrogate out of JSON: no file has such a name
        return name.encode("utf-8", "backslashreplace").decode("utf-8")


def uri_of(path: Path) -> str:
    """The absolute path as storable text.

    A path of valid UTF-8 is stored as it is. Any other becomes ``file://`` and its bytes in
    percent escapes, so that ``path_of`` finds the very same file again.
    """
    name = str(path.absolute())
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return _SCHEME + quote_from_bytes(os.fsencode(name))
    return name


def path_of(uri: str) -> Path:
    """The path that ``uri_of`` stored."""
    if uri.startswith(_SCHEME):
        return Path(os.fsdecode(unquote_to_bytes(uri[len(_SCHEME) :])))
    return Path(uri)


def is_url(text: str) -> bool:
    """True for anything with a scheme (``http://``, ``s3://`` ...): never fetched, never opened."""
    head, separator, _ = text.partition("://")
    return bool(separator) and head.replace("+", "").replace("-", "").isalnum()


def local_source(folder: Path, name: str) -> Source:
    """The whole file of a name that a table or a JSON file gives.

    Args:
        folder: where relative names begin. Absolute names and ``..`` are followed: the table is
            the person's own, and only what decodes as an image is ever stored or shown.
        name: as written.

    Raises:
        ValueError: an address such as ``http://...``, or a name that no file can have; the
            message is the reason.
    """
    if is_url(name):
        raise ValueError("an address; only images on this machine are read")
    try:
        return Source(uri_of(folder / name))
    except UnicodeEncodeError as error:
        raise ValueError("a name that no file can have") from error


def read(source: Source, *, limits: Limits = LIMITS) -> bytes:
    """The bytes of one image; a file over the limit is refused before a byte is read.

    Args:
        source: with an absolute uri, as importers make it.
        limits: what is too large.

    Raises:
        BadImage: gone, unreadable, no plain file, too large, or its container is cut off;
            ``error.got`` is the reason alone.
    """
    path = path_of(source.uri)
    try:
        if not path.is_file():
            reason = "something that is no file" if path.exists() else "a file that does not exist"
            raise _unreadable(path, reason)
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size - source.offset
            length = size if source.length < 0 else source.length
            if length > limits.max_bytes:
                reason = f"{length:,} bytes, more than the limit of {limits.max_bytes:,}"
                raise _unreadable(path, reason)
            file.seek(source.offset)
            data = file.read(length)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(path, f"an error of the disk: {reason}") from error
    if len(data) != length:
        raise _unreadable(path, f"{len(data):,} bytes of {length:,}: the file is cut off")
    return data


def _unreadable(path: Path, reason: str) -> BadImage:
    return BadImage(f"{readable(str(path))} cannot be read", expected="a readable file", got=reason)
