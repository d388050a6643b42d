"""REAL-Prompt: call each class by the word that the pretraining captions use most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from workbench.errors import InputError
from workbench.heads import mean
from workbench.method import Method
from workbench.prompts.classes import ClassSet

__all__ = ["METHOD", "most_frequent"]


def most_frequent(classes: ClassSet, counts: Mapping[str, int]) -> ClassSet:
    """The class set with each name replaced by its most frequent synonym.

    The name itself takes part and wins ties, so a class without counts keeps it; among synonyms
    the first in the list wins. Two classes may end up with one word: the class set's problems
    report it. The old name takes its place among the synonyms; labels stay.

    Args:
        classes: names and synonyms.
        counts: captions that contain the word; looked up as written, then in lower case with
            spaces for underscores. A word that is missing counts 0.

    Raises:
        InputError: a count that is negative or no number.
    """
    words = zip(classes.names, classes.synonyms, strict=True)
    pairs = [_ranked(name, synonyms, counts) for name, synonyms in words]
    names = tuple(best for best, _ in pairs)
    return replace(classes, names=names, synonyms=tuple(others for _, others in pairs))


def _ranked(
    name: str, synonyms: tuple[str, ...], counts: Mapping[str, int]
) -> tuple[str, tuple[str, ...]]:
    """The most frequent word, and the synonyms with the name in the place of that word."""
    best = max((name, *synonyms), key=lambda word: _count(word, counts))
    return best, tuple(name if word == best else word for word in synonyms)


def _count(word: str, counts: Mapping[str, int]) -> float:
    plain = word.replace("_", " ").lower()
    count = counts.get(word, counts.get(plain, 0))
    if not (isinstance(count, int | float) and math.isfinite(count) and count >= 0):
        raise InputError(f"count of {word!r}", expected="a number from 0", got=repr(count))
    return count


METHOD = Method(
    key="real-prompt",
    title="REAL-Prompt",
    question="Which class is it, when each is called by its most frequent word in captions?",
    needs=frozenset({"prompts", "frequency"}),
    params=mean.Params,
    prepare=mean.prepare,
    transductive=False,
    unit="logit",
    source="Parashar et al., CVPR 2024, section 4.1",
)
"""The mean head; the words are exchanged by ``most_frequent`` before the prompts are made."""
