"""Thumbnails: WebP files made on demand from the images. A cache: any of it may be deleted."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from store.files import draft
from store.sources import read_image
from store.tables import Tables
from workbench.errors import InputError
from workbench.types import Rows

__all__ = ["SIZES", "Thumbs"]

SIZES = (16, 1024)
"""Smallest and largest size in pixels."""

_QUALITY = 82
_SOURCE = ("item", "uri", "offset", "length", "digest")


class Thumbs:
    """Small pictures of items. Safe between threads and processes.

    Args:
        root: the workspace folder.
        tables: where the items say which bytes are theirs.
    """

    def __init__(self, root: Path, tables: Tables) -> None:
        self.root, self.tables = root, tables

    def get(self, dataset: str, row: int, size: int = 160) -> bytes:
        """A WebP of one item, at most ``size`` pixels a side; never enlarged.

        Raises:
            InputError: the item has no image, or its file has gone.
            BadImage: the image cannot be decoded.
        """
        return self.get_many(dataset, [row], size)[0]

    def get_many(self, dataset: str, rows: Sequence[int] | Rows, size: int = 160) -> list[bytes]:
        """``get`` for several rows with one look into the tables; the first that fails raises."""
        sources = self._sources(dataset, rows)
        return [self._read(source, _checked(size)) for source in sources]

    def path(self, dataset: str, row: int, size: int = 160) -> Path:
        """The file of a thumbnail, made when it is not there yet."""
        (source,) = self._sources(dataset, [row])
        self._read(source, _checked(size))
        return self._path(source, size)

    def _sources(self, dataset: str, rows: Sequence[int] | Rows) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.tables.take(dataset, rows, columns=_SOURCE).to_pylist()
        for source in found:
            if source["uri"] is None:
                raise InputError(f"item {source['item']!r} of {dataset!r} has no image")
        return found

    def _read(self, source: dict[str, Any], size: int) -> bytes:
        path = self._path(source, size)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return self._make(source, size, path)

    def _make(self, source: dict[str, Any], size: int, path: Path) -> bytes:
        from workbench.importers.image import decode

        data = read_image(self.root, source["uri"], source["offset"], source["length"])
        image = decode(data, size_hint=(size, size))
        image.thumbnail((size, size))
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=_QUALITY, method=4)
        made = buffer.getvalue()
        with draft(self.root, path.parent.relative_to(self.root).as_posix(), path.name) as target:
            target.path.write_bytes(made)
            target.path.replace(path)  # unsynced: losing a thumbnail costs making it again
        return made

    def _path(self, source: dict[str, Any], size: int) -> Path:
        """By digest of the image bytes, so that equal images share one; else by where they lie."""
        name = (
            source["digest"]
            or hashlib.blake2b(
                f"{source['uri']} {source['offset']} {source['length']}".encode(), digest_size=16
            ).hexdigest()
        )
        return self.root / "thumbs" / name[:2] / f"{name}-{size}.webp"


def _checked(size: int) -> int:
    smallest, largest = SIZES
    if not smallest <= size <= largest:
        raise InputError(
            "thumbnail size", expected=f"{smallest} to {largest} pixels", got=str(size)
        )
    return int(size)
