"""Which column of a table is the image, the captions, the label and the id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from workbench.errors import InputError, UnknownName
from workbench.importers.importer import Option, Skipped
from workbench.importers.roles import is_caption_name, is_label_name
from workbench.importers.rows import TableRows
from workbench.importers.tar import IMAGE_ENDINGS

__all__ = ["TABLE_OPTIONS", "TableColumns", "choose"]

TABLE_OPTIONS = (
    Option(
        "image_column",
        "column",
        "Image column",
        "Without it: a column of bytes, one named image, path, file_name and the like, or one "
        "whose texts end like image files.",
    ),
    Option(
        "caption_columns",
        "columns",
        "Caption columns",
        "Without it: columns named caption, captions, text, sentence and the like.",
    ),
    Option(
        "label_column",
        "column",
        "Label column",
        "Without it: the first column named label, class, class_name or category.",
    ),
    Option(
        "id_column",
        "column",
        "Id column",
        "Without it: the path names the item; images kept as bytes go by a column named id, key, "
        "item or uid, or by their row number. Rows in a row with one id are one item.",
    ),
    Option(
        "image_root",
        "folder",
        "Folder of the images",
        "Without it: relative paths begin at the folder of the table.",
    ),
)
_IMAGES = (
    *("image", "image_path", "img_path", "path", "filepath", "file_path", "file_name"),
    *("filename", "file", "img", "image_file", "image_name", "jpg", "png"),
)
_IDS = ("id", "key", "item", "uid", "__key__")
_LOOK = 64


@dataclass(frozen=True)
class TableColumns:
    """The roles of a table's columns.

    Args:
        image: holds paths, bytes, or structs of both.
        holds_bytes: the image column's values are bytes rather than paths.
        captions: zero or more, texts or lists of texts.
        label: None where there is none.
        id: None: the path, or the row number, names the item.
    """

    image: str
    holds_bytes: bool
    captions: tuple[str, ...]
    label: str | None
    id: str | None


def choose(table: TableRows, options: Mapping[str, Any]) -> TableColumns:
    """The person's choice, and where there is none, what names and first rows suggest.

    Args:
        table: its first 64 rows are read.
        options: see ``TABLE_OPTIONS``.

    Raises:
        UnknownName: a chosen column does not exist.
        InputError: no column looks like images.
    """
    names = table.names
    image = _chosen("image_column", options, names) or _find_image(table)
    if image is None:
        raise InputError(
            f"{table.path} has no column of images",
            expected="a column of paths or bytes",
            got="the columns " + ", ".join(names),
            do="Name it with the option image_column.",
        )
    captions = options.get("caption_columns")
    if captions is None:
        captions = [name for name in names if is_caption_name(name) and name != image]
    for name in captions:
        _check(name, names)
    label = _chosen("label_column", options, names) or next(filter(is_label_name, names), None)
    holds_bytes = image in table.binary
    named = _chosen("id_column", options, names)
    if named is None and holds_bytes:
        named = next((name for name in names if name.lower() in _IDS), None)
    return TableColumns(image, holds_bytes, tuple(captions), label, named)


def _chosen(option: str, options: Mapping[str, Any], names: Sequence[str]) -> str | None:
    name: str | None = options.get(option)
    if name:
        _check(name, names)
    return name or None


def _check(name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise UnknownName("column", name, names)


def _find_image(table: TableRows) -> str | None:
    by_name = sorted(
        (name for name in table.names if name.lower() in _IMAGES),
        key=lambda name: (name not in table.binary, _IMAGES.index(name.lower())),
    )
    if by_name or table.binary:
        return (by_name or list(table.binary))[0]
    rows = [row for row in islice(table.rows(typed=False), _LOOK) if not isinstance(row, Skipped)]
    for name in table.names:
        values = [row[name] for row in rows if row.get(name)]
        if values and all(_like_image(value) for value in values):
            return name
    return None


def _like_image(value: object) -> bool:
    return isinstance(value, str) and value.lower().rpartition(".")[2] in IMAGE_ENDINGS
