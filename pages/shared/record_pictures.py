"""Pictures of records that are not imported yet, for a preview."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from pages.shared.grid import Cell
from pages.shared.plain import short
from workbench.errors import WorkbenchError
from workbench.types import Record

__all__ = ["cells"]

_SIZE = 128


def cells(records: Sequence[Record]) -> list[Cell]:
    """The records as cells; one whose picture cannot be read says so in its words."""
    return [_cell(nth, record) for nth, record in enumerate(records)]


def _cell(nth: int, record: Record) -> Cell:
    words = record.captions[0] if record.captions else short(Path(record.key).name, 60)
    title = record.label or short(Path(record.key).name, 40)
    try:
        return Cell(nth, _address(record), title=title, text=words, hint=record.key)
    except (WorkbenchError, OSError) as error:
        return Cell(nth, title=title, text=words, note=short(error, 120), hint=record.key)


def _address(record: Record) -> str:
    """The picture itself as a ``data:`` address: a small WebP, decoded and encoded anew."""
    from workbench.importers.image import decode

    data = _bytes(record)
    if not data:
        return ""
    image = decode(data, size_hint=(_SIZE, _SIZE))
    image.thumbnail((_SIZE, _SIZE))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def _bytes(record: Record) -> bytes:
    if record.data is not None:
        return record.data
    if record.source is None:
        return b""
    with Path(record.source.uri).open("rb") as file:
        file.seek(record.source.offset)
        return file.read(record.source.length)
