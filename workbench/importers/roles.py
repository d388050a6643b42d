"""Raw fields of one item -> captions, label and metadata columns."""

from __future__ import annotations

import decimal
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = [
    "Fields",
    "Roles",
    "clean_captions",
    "is_caption_name",
    "is_label_name",
    "kind_of",
    "meta_value",
]

_CAPTION = re.compile(r"(captions?|texts?|sentences?|alt_?text|prompt)(_?\d+)?", re.IGNORECASE)
_LABELS = ("label", "class", "class_name", "label_name", "category")
_ESCAPED = re.compile("[\udc80-\udcff]")
_INT64 = 2**63


@lru_cache(4096)
def is_caption_name(name: str) -> bool:
    """True for ``caption``, ``captions``, ``text``, ``sentence``, ``caption_2`` and the like."""
    return _CAPTION.fullmatch(name.strip()) is not None


@lru_cache(4096)
def is_label_name(name: str) -> bool:
    """True for ``label``, ``class``, ``class_name``, ``label_name`` and ``category``."""
    return name.strip().lower() in _LABELS


@dataclass(frozen=True)
class Fields:
    """What one item's fields came to; see ``workbench.types.Record``."""

    captions: tuple[str, ...]
    label: str | None
    meta: dict[str, Any]


@dataclass(frozen=True)
class Roles:
    """Which fields are captions and which is the label; all others are metadata.

    Args:
        captions: field names; None finds them by name (``is_caption_name``).
        label: field name; None takes the first that is named like a label, "" takes none.
        class_names: names that an integer label stands for, by position; empty for none.
        left_out: fields that become nothing (the image itself).
    """

    captions: Sequence[str] | None = None
    label: str | None = None
    class_names: Sequence[str] = ()
    left_out: Sequence[str] = ()

    def split(self, raw: Mapping[str, Any], first: Iterable[str] = ()) -> Fields:
        """Sort one item's fields into their roles.

        Args:
            raw: field name -> value as a file format gave it.
            first: captions from elsewhere (a ``.txt`` part), put in front.
        """
        named = self.label is not None
        label_field = self.label if named else next(filter(is_label_name, raw), None)
        captions: list[str] = list(first)
        meta: dict[str, Any] = {}
        label = None
        for name, value in raw.items():
            if name in self.left_out:
                continue
            if name == label_field:
                label = self._label(value)
            elif self._is_caption(name, value):
                captions.extend([value] if isinstance(value, str) else value or ())
            else:
                meta[name] = meta_value(value)
        return Fields(clean_captions(captions), label, meta)

    def _is_caption(self, name: str, value: Any) -> bool:
        wanted = is_caption_name(name) if self.captions is None else name in self.captions
        if not wanted or value is None or isinstance(value, str):
            return wanted
        return isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)

    def _label(self, value: Any) -> str | None:
        is_index = isinstance(value, int) and not isinstance(value, bool)
        if is_index and 0 <= value < len(self.class_names):
            return str(self.class_names[value])
        plain: object = meta_value(value)
        if isinstance(plain, str):
            return plain or None
        return None if plain is None else json.dumps(plain, ensure_ascii=False)


def clean_captions(captions: Iterable[str]) -> tuple[str, ...]:
    """Stripped, without empty ones and repetitions, in order, storable as UTF-8."""
    stripped = (_storable(text).strip() for text in captions)
    return tuple(dict.fromkeys(text for text in stripped if text))


def _storable(text: str) -> str:
    """Text without lone surrogates: a byte that was no UTF-8 is read as Latin-1, others are ?."""
    if text.isascii():
        return text
    latin = _ESCAPED.sub(lambda match: chr(ord(match[0]) - 0xDC00), text)
    return latin.encode("utf-8", "replace").decode("utf-8")


def meta_value(value: Any) -> Any:
    """A value as a metadata column can hold it: str, int, float, bool, None or a list of str.

    Not-a-number and infinities become None; integers beyond 64 bits, dates, mappings and mixed
    lists become text (mappings and mixed lists as JSON). Bytes that were no UTF-8 are read as
    Latin-1.
    """
    if value is None or isinstance(value, bool | str | int | float | decimal.Decimal):
        return _scalar(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        return [_storable(text) for text in value]
    if isinstance(value, list | tuple | dict):
        return _storable(json.dumps(value, ensure_ascii=False, default=str))
    return _storable(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _scalar(value: bool | str | int | float | decimal.Decimal | None) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else str(value)
    return float(value) if math.isfinite(value) else None


def kind_of(values: Iterable[Any]) -> str:
    """The kind of column that holds all the values: ``workbench.types.Column.kind``.

    Whole numbers and fractions together are ``number``; anything else mixed is ``text``, and so
    is a column without a value.
    """
    kinds = {_KIND[type(value)] for value in values if value is not None}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "text"


_KIND = {str: "text", int: "integer", float: "number", bool: "boolean", list: "list"}
