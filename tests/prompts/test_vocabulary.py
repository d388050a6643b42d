from __future__ import annotations

from workbench.prompts.builtin import imagenet, sample_classes
from workbench.prompts.classes import ClassSet
from workbench.prompts.vocabulary import outside, vocabulary


def left(classes: ClassSet) -> set[str]:
    return {word for word, out in zip(vocabulary(), outside(classes), strict=True) if out}


def test_words_are_there_once() -> None:
    words = vocabulary()
    assert len(set(words)) == len(words) > 1700
    assert {"tench", "red apple", "hound"} <= set(words)


def test_words_of_a_class_are_inside_whatever_their_case() -> None:
    found = left(ClassSet(("Tench", "sports_car"), synonyms=(("goldfish",), ())))
    assert found.isdisjoint({"tench", "sports car", "goldfish"}) and "red apple" in found
    assert len(vocabulary()) - len(found) == 3


def test_a_class_in_another_language_takes_the_words_of_its_concept_in() -> None:
    sample = sample_classes()
    place = next(i for i, each in enumerate(sample.synonyms) if each)
    name = sample.translations["de"][place]
    found = left(ClassSet((name,)))
    assert found.isdisjoint({sample.names[place], *sample.synonyms[place]})


def test_a_concept_inside_takes_no_second_one_in() -> None:
    sample = sample_classes()
    inside = {"dog face", *sample.synonyms[sample.names.index("dog face")]}
    found = left(ClassSet(("dog face",)))
    assert {word for word in vocabulary() if word not in found} == inside & set(vocabulary())


def test_of_the_sample_only_other_names_are_left() -> None:
    found = left(sample_classes())
    assert found < set(imagenet().names) and len(found) > 700
