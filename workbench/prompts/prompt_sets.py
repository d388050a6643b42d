"""What is said of a class: templates, sentences or descriptors, and their expansion into texts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from workbench.errors import InputError
from workbench.prompts.classes import ClassSet, content_key
from workbench.types import Rows

__all__ = ["Kind", "PromptSet", "Prompts", "expand", "from_file", "from_json_file", "preview"]

Kind = Literal["templates", "sentences", "descriptors"]


@dataclass(frozen=True)
class PromptSet:
    """How class names become texts.

    Args:
        kind: ``templates`` (texts with one ``{}`` for the name), ``sentences`` (texts of each
            class, as CuPL has them), or ``descriptors`` (features of each class, as in
            classification by description).
        templates: for kind ``templates``.
        by_class: for the other kinds: class name or label -> texts.
        synonyms: templates are filled with the name and with every synonym.

    Raises:
        InputError: no template, or one without exactly one ``{}``.
    """

    kind: Kind = "templates"
    templates: tuple[str, ...] = ()
    by_class: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    synonyms: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError("prompt set", expected=f"one of {get_args(Kind)}", got=repr(self.kind))
        if self.kind != "templates":
            return
        if not self.templates:
            raise InputError("prompt set", expected="at least one template", got="none")
        for template in self.templates:
            if template.count("{}") != 1:
                raise InputError(
                    "template", expected="one {} where the class name goes", got=repr(template)
                )

    @property
    def key(self) -> str:
        """Version by content: 16 hexadecimal digits."""
        return content_key(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """As JSON-like data."""
        if self.kind == "templates":
            return {
                "kind": self.kind,
                "templates": list(self.templates),
                "synonyms": self.synonyms,
            }
        by_class = {name: list(texts) for name, texts in self.by_class.items()}
        return {"kind": self.kind, "by_class": by_class}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PromptSet:
        """The prompt set that ``to_json`` described.

        Raises:
            InputError: it is something else.
        """
        by_class = data.get("by_class", {})
        if not isinstance(by_class, Mapping):
            raise InputError("prompt set", expected="class -> texts", got=repr(by_class))
        return cls(
            kind=data.get("kind", "templates"),
            templates=_texts(data.get("templates", []), "templates"),
            by_class={str(name): _texts(texts, str(name)) for name, texts in by_class.items()},
            synonyms=bool(data.get("synonyms", False)),
        )


def _texts(values: Any, what: str) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InputError(f"prompts of {what!r}", expected="a list of texts", got=repr(values)[:80])
    for value in values:
        if not isinstance(value, str):
            raise InputError(f"prompts of {what!r}", expected="texts", got=repr(value)[:80])
    return tuple(values)


def from_file(path: Path) -> PromptSet:
    """The prompt set in a file: ``.txt`` holds one template a line, all else is read as JSON.

    In a text file the name goes to ``{}`` or, as CLIP_benchmark writes it, to ``{c}``.

    Raises:
        InputError: unreadable, or something else inside.
    """
    if path.suffix.casefold() != ".txt":
        return from_json_file(path)
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"prompt file {path}", expected="UTF-8 text", got=str(error)) from error
    return PromptSet(templates=tuple(s.strip().replace("{c}", "{}") for s in lines if s.strip()))


def from_json_file(path: Path) -> PromptSet:
    """The prompt set in a JSON file: a list of templates, CuPL's sentences, or descriptors.

    A mapping of class -> texts is read as sentences when more than half of the texts begin with
    a capital letter or end with a full stop, else as descriptors; what ``PromptSet.to_json``
    gives says itself what it is.

    Raises:
        InputError: no JSON, or none of these.
    """
    try:
        data = json.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"prompt file {path}", expected="JSON", got=str(error)) from error
    if isinstance(data, list):
        return PromptSet(templates=_texts(data, "templates"))
    if not isinstance(data, Mapping) or not data:
        got = type(data).__name__
        raise InputError(f"prompt file {path}", expected="a list or a mapping", got=got)
    if isinstance(data.get("kind"), str):
        return PromptSet.from_json(data)
    texts = [text for each in data.values() for text in _texts(each, "a class")]
    sentences = sum(text[:1].isupper() or text.rstrip().endswith(".") for text in texts)
    kind: Kind = "sentences" if sentences * 2 > len(texts) else "descriptors"
    return PromptSet.from_json({"kind": kind, "by_class": data})


@dataclass(frozen=True)
class Prompts:
    """The texts of every class, class after class.

    Args:
        texts: T texts.
        starts: int64 (C + 1,); class c owns ``texts[starts[c]:starts[c + 1]]``, at least one.
        names: T names: the template, sentence or descriptor that made each text.
        aligned: every class has equally many, and prompt p of each comes from one template.
    """

    texts: tuple[str, ...]
    starts: Rows
    names: tuple[str, ...]
    aligned: bool

    def of(self, place: int) -> tuple[str, ...]:
        """The texts of one class."""
        return self.texts[self.starts[place] : self.starts[place + 1]]


def expand(classes: ClassSet, prompts: PromptSet) -> Prompts:
    """Every text of every class.

    A class whose list of descriptors is empty is described by its bare name. The code that came
    with classification by description asks for "NAME, which has " there, an unfinished text.

    Raises:
        InputError: a class has no entry, or sentences that are empty; the message names it.
    """
    pairs = [_of_class(classes, prompts, place) for place in range(len(classes))]
    starts = np.concatenate(([0], np.cumsum([len(each) for each in pairs]))).astype(np.int64)
    aligned = prompts.kind == "templates" and not (prompts.synonyms and any(classes.synonyms))
    flat = [pair for each in pairs for pair in each]
    texts, names = zip(*flat, strict=True)
    return Prompts(texts, starts, names, aligned)


def preview(
    classes: ClassSet, prompts: PromptSet, place: int = 0, limit: int = 100
) -> tuple[str, ...]:
    """The first texts of one class, as ``expand`` would make them, without the other classes.

    Raises:
        InputError: there is no class at this place, or it has no sentences or descriptors.
    """
    if not 0 <= place < len(classes):
        expected = f"a place from 0 to {len(classes) - 1}"
        raise InputError("class to preview", expected=expected, got=str(place))
    return tuple(text for text, _ in _of_class(classes, prompts, place)[:limit])


def _of_class(classes: ClassSet, prompts: PromptSet, place: int) -> list[tuple[str, str]]:
    """(text, what made it) of one class."""
    name = classes.names[place]
    if prompts.kind == "templates":
        words = (name, *classes.synonyms[place]) if prompts.synonyms else (name,)
        return [(t.replace("{}", word), t) for word in words for t in prompts.templates]
    label = classes.labels[place]
    key = next((key for key in (label, name) if key in prompts.by_class), None)
    if key is None:
        raise InputError(
            f"{prompts.kind} of class {name!r}",
            expected=f"an entry {label!r} or {name!r}",
            got=f"none among {len(prompts.by_class)} classes",
        )
    texts = prompts.by_class[key]
    if prompts.kind == "descriptors":
        return [(_described(name, text), text) for text in texts] or [(name, "")]
    if not texts or not all(text.strip() for text in texts):
        got = "an empty one" if texts else "none"
        raise InputError(f"sentences of class {name!r}", expected="at least one", got=got)
    return [(text, text) for text in texts]


def _described(name: str, descriptor: str) -> str:
    """``NAME, which has DESCRIPTOR``, with the connector that the authors' rule chooses.

    An empty descriptor leaves the bare name. Source: the code of Menon and Vondrick, ICLR 2023;
    only whole words count here, where it takes every word that begins with ``a`` for an article.
    """
    if not descriptor.strip():
        return name
    first = descriptor.split(" ", 1)[0].casefold()
    if first in ("a", "an", "used"):
        return f"{name}, which is {descriptor}"
    if first in ("has", "often", "typically", "may", "can"):
        return f"{name}, which {descriptor}"
    return f"{name}, which has {descriptor}"
