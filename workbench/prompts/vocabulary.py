"""Words beyond a class set, to ask what an image shows if it shows none of the classes."""

from __future__ import annotations

from functools import lru_cache

from workbench.prompts.builtin import imagenet, sample_classes
from workbench.prompts.classes import ClassSet

__all__ = ["TEMPLATE", "outside", "vocabulary"]

TEMPLATE = "a photo of a {}."
"""What words and class names are put into, so that they are judged alike."""


@lru_cache
def vocabulary() -> tuple[str, ...]:
    """The names of ImageNet's classes, and the names and synonyms of the sample's concepts.

    Each once, always the same in the same order, so that a model encodes them once.
    """
    sample = sample_classes()
    words = [*imagenet().names, *sample.names, *(w for each in sample.synonyms for w in each)]
    return tuple(dict.fromkeys(words))


def outside(classes: ClassSet) -> tuple[bool, ...]:
    """For each word of ``vocabulary``, whether it names no class.

    Names, synonyms and translations of a class are its words. A concept of the sample that shares
    a word with a class in any language is that class, and so are its other words: "dog face" is no
    new thing beside the class "Hundegesicht".
    """
    known = {_bare(word) for word in _words(classes)}
    sample, fixed = sample_classes(), frozenset(known)
    for place, name in enumerate(sample.names):
        words = {_bare(word) for word in (name, *sample.synonyms[place])}
        others = {_bare(names[place]) for names in sample.translations.values()}
        if not fixed.isdisjoint(words | others):
            known |= words
    return tuple(_bare(word) not in known for word in vocabulary())


def _words(classes: ClassSet) -> list[str]:
    synonyms = [word for each in classes.synonyms for word in each]
    translated = [word for names in classes.translations.values() for word in names]
    return [*classes.names, *synonyms, *translated]


def _bare(word: str) -> str:
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())
