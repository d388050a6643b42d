"""The classes that a model chooses from: their names, and everything that may go with a name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from workbench.errors import InputError, UnknownName

__all__ = ["ClassSet", "content_key", "from_labels"]

_FIELDS = ("names", "labels", "synonyms", "paths", "translations")


@dataclass(frozen=True)
class ClassSet:
    """C classes in a fixed order.

    Args:
        names: C names, as they are put into prompts.
        labels: C values of a dataset's label column that mean the class; the names when empty.
        synonyms: C tuples of further words for the class; all empty when left out.
        paths: C tuples of ancestors, from the root down and without the class; all empty when
            there is no hierarchy.
        translations: language code -> C names.

    Raises:
        InputError: no class, an empty name, or fields of different length. Names and labels
            that occur twice are allowed; ``class_problems.problems`` reports them.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    paths: tuple[tuple[str, ...], ...] = ()
    translations: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        empty = ((),) * len(self.names)
        object.__setattr__(self, "labels", self.labels or self.names)
        object.__setattr__(self, "synonyms", self.synonyms or empty)
        object.__setattr__(self, "paths", self.paths or empty)
        if not self.names:
            raise InputError("class set", expected="at least one class", got="none")
        for name in ("labels", "synonyms", "paths"):
            self._check_length(name, getattr(self, name))
        for language, names in self.translations.items():
            self._check_length(f"translations to {language!r}", names)
        for place, name in enumerate(self.names):
            if not name.strip():
                got = f"an empty name at place {place + 1}"
                raise InputError("class set", expected="a name for each class", got=got)

    def _check_length(self, what: str, values: Sequence[Any]) -> None:
        if len(values) != len(self.names):
            expected = f"{len(self.names)}, one a class"
            raise InputError(f"{what} of the class set", expected=expected, got=str(len(values)))

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.names)

    @property
    def key(self) -> str:
        """Version by content: 16 hexadecimal digits, equal for equal class sets."""
        return content_key(self.to_json())

    @property
    def places(self) -> dict[str, int]:
        """Label -> place of its class; of two classes with one label the first counts."""
        found: dict[str, int] = {}
        for place, label in enumerate(self.labels):
            found.setdefault(label, place)
        return found

    @property
    def has_hierarchy(self) -> bool:
        """Every class has ancestors."""
        return all(self.paths)

    def renamed(self, place: int, name: str) -> ClassSet:
        """The same classes with another name for one of them; its label stays.

        Raises:
            InputError: there is no class at this place, or the new name is empty.
        """
        if not 0 <= place < len(self.names):
            expected = f"a place from 0 to {len(self.names) - 1}"
            raise InputError("class to rename", expected=expected, got=str(place))
        return replace(self, names=(*self.names[:place], name, *self.names[place + 1 :]))

    def in_language(self, code: str) -> ClassSet:
        """The same classes called by their names in a language, without synonyms.

        Synonyms are words of the language that is left; mixed into prompts they would mislead.

        Raises:
            UnknownName: there is no translation to it.
        """
        if code not in self.translations:
            raise UnknownName("language", code, list(self.translations))
        return replace(self, names=tuple(self.translations[code]), synonyms=())

    def to_json(self) -> dict[str, Any]:
        """As JSON-like data, without what is empty."""
        found: dict[str, Any] = {"names": list(self.names)}
        if self.labels != self.names:
            found["labels"] = list(self.labels)
        if any(self.synonyms):
            found["synonyms"] = [list(words) for words in self.synonyms]
        if any(self.paths):
            found["paths"] = [list(path) for path in self.paths]
        if self.translations:
            found["translations"] = {k: list(v) for k, v in self.translations.items()}
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ClassSet:
        """The class set that ``to_json`` described.

        Raises:
            InputError: an unknown field, or something else than texts in lists.
        """
        unknown = sorted(set(data) - set(_FIELDS))
        if unknown or "names" not in data:
            got = f"unknown {unknown}" if unknown else f"only {sorted(data)}"
            expected = f"names, and of {', '.join(_FIELDS[1:])} what there is"
            raise InputError("class set", expected=expected, got=got)
        return cls(
            names=_texts(data["names"], "names"),
            labels=_texts(data.get("labels", ()), "labels"),
            synonyms=_lists(data.get("synonyms", ()), "synonyms"),
            paths=_lists(data.get("paths", ()), "paths"),
            translations=_translations(data.get("translations", {})),
        )


def _texts(values: Any, what: str) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InputError(f"{what} of a class set", expected="a list of texts", got=repr(values))
    for value in values:
        if not isinstance(value, str):
            raise InputError(f"{what} of a class set", expected="texts", got=repr(value))
    return tuple(values)


def _lists(values: Any, what: str) -> tuple[tuple[str, ...], ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        got = repr(values)[:80]
        raise InputError(f"{what} of a class set", expected="a list of lists", got=got)
    return tuple(_texts(each, what) for each in values)


def _translations(values: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(values, Mapping):
        got = repr(values)[:80]
        raise InputError("translations of a class set", expected="language -> names", got=got)
    return {str(code): _texts(names, f"translations to {code}") for code, names in values.items()}


def content_key(content: Mapping[str, Any]) -> str:
    """Hash of JSON-like content, whatever the order of its fields: 16 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def from_labels(labels: Sequence[str | None]) -> ClassSet:
    """The distinct labels as classes, in alphabetical order; each is its own name, as it stands.

    Args:
        labels: any number, with repetitions; None is no label.

    Raises:
        InputError: there is no label at all.
    """
    distinct = sorted({label for label in labels if label is not None and label.strip()})
    return ClassSet(names=tuple(distinct))
