"""The register of importers, in the order in which they are asked whether they know a path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import InputError, UnknownName
from workbench.importers.clip_benchmark import ClipBenchmark
from workbench.importers.clip_retrieval import ClipRetrieval
from workbench.importers.coco import CocoCaptions
from workbench.importers.folder import ImageFolder
from workbench.importers.importer import Importer
from workbench.importers.table import Table
from workbench.importers.webdataset import WebDataset

__all__ = ["IMPORTERS", "check_options", "find"]

IMPORTERS: tuple[Importer, ...] = (
    ClipRetrieval(),
    CocoCaptions(),
    Table(),
    ClipBenchmark(),
    WebDataset(),
    ImageFolder(),
)
"""The most particular first: a CLIP_benchmark dataset is a WebDataset too, and a folder may hold
images beside its shards, its JSON file or its table."""


def find(path: Path, key: str | None = None) -> Importer:
    """The importer for a path: the first that recognises it, or the one that is asked for.

    Args:
        path: a file, a folder, or a brace pattern of tar shards.
        key: an importer's key; it then reads the path whether it recognises it or not.

    Raises:
        UnknownName: no importer has that key.
        InputError: the path does not exist, or nothing recognises it; the message lists what
            was looked for.
    """
    if key is not None:
        for importer in IMPORTERS:
            if importer.key == key:
                return importer
        raise UnknownName("importer", key, [importer.key for importer in IMPORTERS])
    if not path.exists() and "{" not in str(path):
        raise InputError(
            f"{path}", expected="an existing file or folder", do="Check the spelling of the path."
        )
    for importer in IMPORTERS:
        if _detects(importer, path):
            return importer
    looked_for = "; ".join(f"{importer.title}: {importer.formats}" for importer in IMPORTERS)
    raise InputError(f"{path} is not a known format", expected=looked_for, got="none of them")


def _detects(importer: Importer, path: Path) -> bool:
    try:
        return importer.detect(path)
    except (OSError, InputError):  # a folder that may not be read, a pattern with a gap
        return False


def check_options(importer: Importer, options: Mapping[str, Any]) -> None:
    """Refuse options that an importer does not have.

    Raises:
        UnknownName: the first such option.
    """
    known = [option.name for option in importer.options]
    for name in options:
        if name not in known:
            raise UnknownName(f"option of {importer.title}", name, known)
