"""What every importer offers, and what it yields besides records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from workbench.types import Floats, Preview, Record, Side

__all__ = ["Importer", "Option", "Skipped", "VectorBlock"]


@dataclass(frozen=True)
class Skipped:
    """One thing in the source that does not become an item.

    Args:
        key: its name inside the source, as a record's key would be.
        reason: one clause for the person, e.g. ``an empty file``.
    """

    key: str
    reason: str


@dataclass(frozen=True)
class VectorBlock:
    """Vectors that a source brings along, for consecutive records.

    Args:
        side: what they stand for.
        start: position of the first in the order of ``records`` (image side), or in the order
            of all the records' captions (caption side).
        array: float32 (b, D), unit rows.
    """

    side: Side
    start: int
    array: Floats


@dataclass(frozen=True)
class Option:
    """One choice that a person may make; without it the importer decides by itself.

    Args:
        name: keyword of ``records`` and ``preview``.
        kind: ``column`` (a name), ``columns`` (several names), ``folder``, or ``model`` (the
            name of a registered model).
        title: label on screen.
        help: what happens without it.
    """

    name: str
    kind: Literal["column", "columns", "folder", "model"]
    title: str
    help: str


class Importer(Protocol):
    """A format: recognises a path, shows its first rows, and reads it as records.

    ``records`` streams, in an order that is the same for the same source, with keys that are
    the same for the same source. It decodes no image. Options that an importer does not
    declare are refused by ``workbench.importers.register.check_options``, not here.
    """

    @property
    def key(self) -> str:
        """Name in parameters and on command lines."""

    @property
    def title(self) -> str:
        """Name on screen."""

    @property
    def formats(self) -> str:
        """What it recognises, in one sentence."""

    @property
    def options(self) -> tuple[Option, ...]:
        """The choices a person may make."""

    @property
    def brings_vectors(self) -> bool:
        """``vectors`` yields some, one for every record: so no record may be left out."""

    def detect(self, path: Path) -> bool:
        """True when the path looks like this format; cheap, and never an error."""

    def preview(self, path: Path, limit: int = 20, **options: Any) -> Preview:
        """The first records, columns and counts, read in about a second; stores nothing."""

    def records(self, path: Path, **options: Any) -> Iterator[Record | Skipped]:
        """Every item of the source, or why there is none."""

    def total(self, path: Path, *, seconds: float | None = None) -> int | None:
        """Number of records and skipped things; None when counting takes longer than allowed."""

    def vectors(self, path: Path, **options: Any) -> Iterator[VectorBlock]:
        """Vectors that the source brings along; for most formats none."""

    def info(self, path: Path, **options: Any) -> Mapping[str, Any]:
        """Facts of the whole source, JSON-like: class names, templates, licences."""
