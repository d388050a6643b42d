"""What is odd about a class set: said before a run, because a run would not show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from workbench.prompts.classes import ClassSet

__all__ = ["Problem", "problems"]

_KINDS = ("duplicate name", "ambiguous word", "label without class", "class without images")


@dataclass(frozen=True)
class Problem:
    """One thing to know about a class set.

    Args:
        kind: ``duplicate name`` (of two classes with one name the second can never be
            predicted), ``ambiguous word`` (a synonym or a label that means two classes),
            ``label without class`` (its images are not evaluated), ``class without images``. An
            empty name is no problem listed here: no class set can be made with one.
        classes: places of the classes concerned; none for a label without class.
        text: one sentence.
    """

    kind: str
    classes: tuple[int, ...]
    text: str


def problems(classes: ClassSet, known_labels: Collection[str] | None = None) -> tuple[Problem, ...]:
    """Everything odd about a class set, the most harmful first.

    Args:
        classes: to be looked at; words are compared without regard to case and underscores.
        known_labels: labels that occur in the dataset; None looks at the class set alone.
    """
    found = [*_duplicates(classes), *_ambiguous(classes), *_shared_labels(classes)]
    if known_labels is not None:
        found += _against(classes, set(known_labels))
    return tuple(sorted(found, key=lambda problem: _KINDS.index(problem.kind)))


def _same(word: str) -> str:
    return " ".join(word.replace("_", " ").casefold().split())


def _duplicates(classes: ClassSet) -> list[Problem]:
    by_name: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(classes.names):
        by_name[_same(name)].append(place)
    return [
        Problem(
            "duplicate name",
            tuple(places),
            f"{len(places)} classes are called {classes.names[places[0]]!r} (places "
            f"{', '.join(str(place + 1) for place in places)}): where the prompts are the same, "
            "only the first can be predicted.",
        )
        for places in by_name.values()
        if len(places) > 1
    ]


def _ambiguous(classes: ClassSet) -> list[Problem]:
    by_word: dict[str, dict[int, str]] = defaultdict(dict)
    for place, words in enumerate(classes.synonyms):
        for word in words:
            by_word[_same(word)][place] = word
    for place, name in enumerate(classes.names):
        if _same(name) in by_word:
            by_word[_same(name)].setdefault(place, name)
    found = []
    for meanings in by_word.values():
        if len(meanings) > 1:
            names = ", ".join(classes.names[place] for place in sorted(meanings))
            text = f"{next(iter(meanings.values()))!r} means several classes: {names}."
            found.append(Problem("ambiguous word", tuple(sorted(meanings)), text))
    return found


def _shared_labels(classes: ClassSet) -> list[Problem]:
    """Labels of several classes that are not called the same: that would be said already."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(classes.labels):
        by_label[label].append(place)
    found = []
    for label, places in by_label.items():
        if len({_same(classes.names[place]) for place in places}) > 1:
            names = ", ".join(classes.names[place] for place in places)
            text = f"The label {label!r} stands for several classes: {names}; the first counts."
            found.append(Problem("ambiguous word", tuple(places), text))
    return found


def _against(classes: ClassSet, labels: set[str]) -> list[Problem]:
    places = classes.places
    missing = sorted(labels - set(places))
    unused = [place for place, label in enumerate(classes.labels) if label not in labels]
    found = [
        Problem(
            "label without class", (), f"No class has the label {label!r}: its images are left out."
        )
        for label in missing
    ]
    found += [
        Problem(
            "class without images",
            (place,),
            f"No image has the label of {classes.names[place]!r}: it can only be wrong.",
        )
        for place in unused
    ]
    return found
