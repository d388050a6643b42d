"""Class sets as people write them: pasted text, and text, CSV or JSON files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.prompts.classes import ClassSet

__all__ = ["from_file", "from_text", "to_text"]


def from_text(text: str) -> ClassSet:
    """One class a line: ``name``, ``name | synonym | synonym``, or ``label => name | synonym``.

    Empty lines are left out.

    Raises:
        InputError: no class, or a line without a name, which is quoted.
    """
    names, labels, synonyms = [], [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        label, arrow, rest = line.rpartition("=>")
        words = [word.strip() for word in rest.split("|")]
        if not words[0]:
            raise InputError(f"line {number} of the classes", expected="a name", got=repr(line))
        names.append(words[0])
        labels.append(label.strip() if arrow and label.strip() else words[0])
        synonyms.append(tuple(word for word in words[1:] if word))
    return ClassSet(names=tuple(names), labels=tuple(labels), synonyms=tuple(synonyms))


def to_text(classes: ClassSet) -> str:
    """What ``from_text`` reads: names, labels and synonyms, without hierarchy and languages.

    A word that holds ``|``, ``=>`` or a line break itself does not come back as it was.
    """
    lines = []
    for name, label, words in zip(classes.names, classes.labels, classes.synonyms, strict=True):
        line = " | ".join((name, *words))
        lines.append(line if label == name else f"{label} => {line}")
    return "\n".join(lines)


def from_file(path: Path) -> ClassSet:
    """The classes in a ``.txt``, ``.csv`` or ``.json`` file.

    CSV has a column ``name`` and may have ``label``, ``synonyms`` and ``path``, parted by ``|``.
    JSON is a list of names, a list of objects with these fields (lists of texts), what
    ``ClassSet.to_json`` gives, or a mapping: label -> name, name -> list of synonyms, or
    label -> object.

    Raises:
        InputError: unreadable, another ending, or something else inside.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"class file {path}", expected="UTF-8 text", got=str(error)) from error
    ending = path.suffix.casefold()
    if ending == ".txt":
        return from_text(text)
    if ending == ".csv":
        return _of_csv(text, path)
    if ending == ".json":
        return _of_json(text, path)
    got = path.suffix or "no ending"
    raise InputError(f"class file {path}", expected=".txt, .csv or .json", got=got)


def _of_csv(text: str, path: Path) -> ClassSet:
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise InputError(f"class file {path}", expected="CSV", got=str(error)) from error
    return _of_records(rows, path)


def _of_json(text: str, path: Path) -> ClassSet:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"class file {path}", expected="JSON", got=str(error)) from error
    if isinstance(data, Mapping) and isinstance(data.get("names"), list):
        return ClassSet.from_json(data)
    if isinstance(data, Mapping):
        return _of_records([_record(key, value) for key, value in data.items()], path)
    if not isinstance(data, Sequence) or isinstance(data, str):
        raise InputError(f"class file {path}", expected="a list of classes", got=repr(data)[:80])
    return _of_records([{"name": one} if isinstance(one, str) else one for one in data], path)


def _record(key: str, value: Any) -> Any:
    """One entry of a mapping as a record."""
    if isinstance(value, str):
        return {"name": value, "label": key}
    if isinstance(value, Mapping):
        return {"name": key, "label": key} | dict(value)
    return {"name": key, "synonyms": value}


def _of_records(records: Sequence[Any], path: Path) -> ClassSet:
    if not records:
        raise InputError(f"class file {path}", expected="at least one class", got="none")
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping) or not _text(record.get("name")):
            raise InputError(
                f"class {number} of {path}", expected="a field `name`", got=repr(record)[:80]
            )
    return ClassSet(
        names=tuple(_text(record["name"]) for record in records),
        labels=tuple(_text(record.get("label")) or _text(record["name"]) for record in records),
        synonyms=tuple(_words(record, "synonyms", path) for record in records),
        paths=tuple(_words(record, "path", path) for record in records),
    )


def _text(value: Any) -> str:
    """A cell as text; 0 is the text ``0``, only None is nothing."""
    return "" if value is None else str(value).strip()


def _words(record: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...]:
    value = record.get(name)
    parts = value.split("|") if isinstance(value, str) else () if value is None else value
    if not isinstance(parts, Sequence):
        item = f"{name} of class {_text(record['name'])!r} in {path}"
        raise InputError(item, expected="a list of texts", got=repr(value)[:80])
    return tuple(_text(part) for part in parts if _text(part))
