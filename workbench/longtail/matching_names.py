"""Names of classes against names of counted concepts: what fits, and what to try for the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError, UnknownName
from workbench.types import Rows

__all__ = ["NameMatch", "Unmatched", "match_in_order", "match_names", "suggest"]

_CLOSE = 0.6
"""Least similarity (difflib's ratio) of a suggestion."""


@dataclass(frozen=True)
class Unmatched:
    """A name without a partner, and up to three names on the other side that it may mean."""

    name: str
    suggestions: tuple[str, ...]


@dataclass(frozen=True)
class NameMatch:
    """Which known name each of C classes has; what fits nowhere is listed, never dropped.

    Args:
        place: int64 (C,), place of the class among the known names; -1 for none.
        unmatched: classes without a known name.
        unused: known names that no class has.
        renamed: (class, known name) where the two differ.
        repeated: known names that occur more than once while the classes have them another
            number of times: the first was taken.
    """

    place: Rows
    unmatched: tuple[Unmatched, ...]
    unused: tuple[Unmatched, ...]
    renamed: tuple[tuple[str, str], ...]
    repeated: tuple[str, ...]

    @property
    def matched(self) -> int:
        """Number of classes with a known name."""
        return int((self.place >= 0).sum())

    def take(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Values of the known names in the order of the classes: float64 (C,), NaN for none."""
        found = np.full(len(self.place), np.nan)
        fits = self.place >= 0
        found[fits] = np.asarray(values, np.float64)[self.place[fits]]
        return found


def match_names(
    classes: Sequence[str], known: Sequence[str], renames: Mapping[str, str] | None = None
) -> NameMatch:
    """Classes against known names, letter by letter; only a person's renames bridge a difference.

    A name that occurs equally often on both sides (ImageNet has two "sunglasses") is matched in
    order.

    Args:
        classes: C names.
        known: K names, of the counts.
        renames: class -> known name, e.g. ``{"plane": "airplane"}``.

    Raises:
        UnknownName: a rename from or to a name that does not exist.
    """
    renames = dict(renames or {})
    had = set(known)
    _check_renames(renames, set(classes), had)
    wanted = [renames.get(name, name) for name in classes]
    place, repeated = _places(wanted, known)
    used = set(wanted)
    return NameMatch(
        place=place,
        unmatched=suggest([name for name in dict.fromkeys(wanted) if name not in had], known),
        unused=suggest([name for name in dict.fromkeys(known) if name not in used], classes),
        renamed=tuple((old, new) for old, new in renames.items() if old != new),
        repeated=repeated,
    )


def match_in_order(classes: Sequence[str], known: Sequence[str]) -> NameMatch:
    """Class i is known name i, whatever the two are called; ``renamed`` lists where they differ.

    Raises:
        InputError: the two have different lengths.
    """
    if len(classes) != len(known):
        expected = f"{len(classes)} counts, one a class in their order"
        raise InputError("matching in order", expected=expected, got=str(len(known)))
    pairs = zip(classes, known, strict=True)
    differ = tuple((a, b) for a, b in pairs if a != b)
    return NameMatch(np.arange(len(classes), dtype=np.int64), (), (), differ, ())


def _check_renames(renames: Mapping[str, str], classes: set[str], known: set[str]) -> None:
    for old, new in renames.items():
        for noun, name, names in (("class", old, classes), ("counted concept", new, known)):
            if name not in names:
                raise UnknownName(noun, name, names)


def _places(wanted: Sequence[str], known: Sequence[str]) -> tuple[Rows, tuple[str, ...]]:
    """Place of each wanted name among the known, and the names whose number differs."""
    where: dict[str, list[int]] = {}
    for place, name in enumerate(known):
        where.setdefault(name, []).append(place)
    asked, met = Counter(wanted), Counter[str]()
    found = np.full(len(wanted), -1, dtype=np.int64)
    for row, name in enumerate(wanted):
        places = where.get(name, [])
        if places:
            in_order = len(places) == asked[name]
            found[row] = places[met[name]] if in_order else places[0]
            met[name] += 1
    uneven = (name for name in asked if len(where.get(name, [])) not in (0, 1, asked[name]))
    return found, tuple(uneven)


def suggest(names: Sequence[str], known: Sequence[str]) -> tuple[Unmatched, ...]:
    """For each name up to three of the known ones that look alike, the likeliest first.

    Case, blanks, hyphens and underscores do not count. Only names that share three letters in a
    row are compared in full, so that thousands of names take a moment.
    """
    return _suggested(tuple(names), tuple(known)) if names else ()


@lru_cache(maxsize=16)
def _suggested(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[Unmatched, ...]:
    """Kept, because every question about the same two sources meets the same names again."""
    forms = [_form(name) for name in known]
    index: dict[str, list[int]] = {}
    for place, form in enumerate(forms):
        for gram in _grams(form):
            index.setdefault(gram, []).append(place)
    return tuple(Unmatched(name, _nearest(name, known, forms, index)) for name in names)


def _nearest(
    name: str, known: Sequence[str], forms: Sequence[str], index: Mapping[str, list[int]]
) -> tuple[str, ...]:
    form, shared = _form(name), Counter[int]()
    for gram in _grams(form):
        shared.update(index.get(gram, ()))
    matcher, scored = SequenceMatcher(autojunk=False), []
    matcher.set_seq2(form)
    for place, _ in sorted(shared.items(), key=lambda each: (-each[1], each[0]))[:20]:
        matcher.set_seq1(forms[place])
        likeness = matcher.ratio()
        # plane and airplane: one within the other is a better hint than its ratio says
        within = form in forms[place] or forms[place] in form
        if likeness >= _CLOSE or within:
            scored.append((-likeness - 0.1 * within, place))
    return tuple(dict.fromkeys(known[place] for _, place in sorted(scored)))[:3]


def _form(name: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", name.casefold()).split())


def _grams(form: str) -> set[str]:
    padded = f" {form} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}
