"""Class sets as people write them: pasted text, and text, CSV or JSON files."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.prompts.classes import ClassSet

__all__ = ["from_file", "from_text", "to_text"]


def from_text(text: str) -> ClassSet:
    """One class a line: ``name``, ``name | synonym | synonym``, or ``label => name | synonym``.

    Empty lines and lines that begin with ``#`` are left out.

    Raises:
        InputError: no class, or a line without a name, which is quoted.
    """
    names, labels, synonyms = [], [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        label, arrow, rest = line.rpartition("=>")
        words = [word.strip() for word in rest.split("|")]
        if not words[0]:
            raise InputError(f"line {number} of the classes", expected="a name", got=repr(line))
        names.append(words[0])
        labels.append(label.strip() if arrow else words[0])
        synonyms.append(tuple(word for word in words[1:] if word))
    return ClassSet(names=tuple(names), labels=tuple(labels), synonyms=tuple(synonyms))


def to_text(classes: ClassSet) -> str:
    """What ``from_text`` reads: names, labels and synonyms, without hierarchy and languages."""
    lines = []
    for name, label, words in zip(classes.names, classes.labels, classes.synonyms, strict=True):
        line = " | ".join((name, *words))
        lines.append(line if label == name else f"{label} => {line}")
    return "\n".join(lines)


def from_file(path: Path) -> ClassSet:
    """The classes in a ``.txt``, ``.csv`` or ``.json`` file.

    CSV has a column ``name`` and may have ``label``, ``synonyms`` and ``path``, parted by ``|``.
    JSON is a list of names, a list of objects with these fields (lists of texts), or what
    ``ClassSet.to_json`` gives.

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
        return _of_records(list(csv.DictReader(text.splitlines())), path)
    if ending == ".json":
        return _of_json(text, path)
    got = path.suffix or "no ending"
    raise InputError(f"class file {path}", expected=".txt, .csv or .json", got=got)


def _of_json(text: str, path: Path) -> ClassSet:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"class file {path}", expected="JSON", got=str(error)) from error
    if isinstance(data, Mapping):
        return ClassSet.from_json(data)
    if not isinstance(data, Sequence) or isinstance(data, str):
        raise InputError(f"class file {path}", expected="a list of classes", got=repr(data)[:80])
    return _of_records([{"name": one} if isinstance(one, str) else one for one in data], path)


def _of_records(records: Sequence[Any], path: Path) -> ClassSet:
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping) or not str(record.get("name") or "").strip():
            raise InputError(
                f"class {number} of {path}", expected="a field `name`", got=repr(record)[:80]
            )
    return ClassSet(
        names=tuple(str(record["name"]).strip() for record in records),
        labels=tuple(str(record.get("label") or record["name"]).strip() for record in records),
        synonyms=tuple(_words(record.get("synonyms")) for record in records),
        paths=tuple(_words(record.get("path")) for record in records),
    )


def _words(value: Any) -> tuple[str, ...]:
    parts = value.split("|") if isinstance(value, str) else value or ()
    return tuple(str(part).strip() for part in parts if str(part).strip())
