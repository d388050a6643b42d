"""Concepts from names and synonyms, and what a counting holds."""

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.longtail.concepts import Concepts, Counts


def test_terms_are_tidied_and_none_is_kept_twice() -> None:
    concepts = Concepts.of(
        ["  red   apple", "cat"], [["apple", "red apple", " ", "apple "], ["Cat"]]
    )
    assert concepts.names == ("red apple", "cat")
    assert concepts.terms == (("red apple", "apple"), ("cat", "Cat"))
    terms, owner = concepts.flat()
    assert terms == ("red apple", "apple", "cat", "Cat")
    assert owner.dtype == np.int64 and owner.tolist() == [0, 0, 1, 1]


def test_names_alone_are_concepts_without_synonyms() -> None:
    assert Concepts.of(["a", "b"]).terms == (("a",), ("b",))


def test_the_key_follows_the_content() -> None:
    one, same = Concepts.of(["a", "b"], [["c"], []]), Concepts.of([" a", "b "], [["c"], []])
    assert one == same and one.key == same.key and len(one.key) == 16
    assert one.key != Concepts.of(["a", "b"], [[], ["c"]]).key
    assert Concepts.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    ("names", "synonyms", "said"),
    [
        ([], [], "at least one concept"),
        (["a", " "], [], "concept 2"),
        (["a", "b"], [["c"]], "2 lists of synonyms"),
    ],
)
def test_what_is_no_concept_is_refused_by_name(names, synonyms, said) -> None:
    with pytest.raises(InputError, match=said):
        Concepts.of(names, synonyms)


def test_terms_made_by_hand_are_checked() -> None:
    with pytest.raises(InputError, match="each term once"):
        Concepts(("a",), (("a", "b", "b"),))
    with pytest.raises(InputError, match="first term"):
        Concepts(("a",), (("b",),))
    with pytest.raises(InputError, match="list of terms"):
        Concepts.from_json({"terms": [[]]})


def counts(distinct, by_term, **more) -> Counts:
    concepts = Concepts.of(["dog", "cat"], [["hound", "canine"], ["feline"]])
    arrays = (np.array(distinct, np.int64), np.array(by_term, np.int64))
    return Counts(concepts, "words", "three captions", 3, 2, *arrays, **more)


def test_the_most_frequent_term_and_its_ties() -> None:
    assert counts([9, 4], [2, 5, 5, 0, 4]).most_frequent() == ("hound", "feline")
    assert counts([0, 0], [0, 0, 0, 0, 0]).most_frequent() == ("dog", "cat")


def test_counts_of_another_length_or_type_are_refused() -> None:
    with pytest.raises(InputError, match="by_term of counts"):
        counts([1, 1], [1, 1])
    one = np.zeros(1, np.int64)
    with pytest.raises(InputError, match="pairs"):
        counts([0, 0], [0] * 5, pairs=(one, one, np.zeros(2, np.int64)))
    with pytest.raises(InputError, match="int64"):
        counts([0, 0], [0] * 5, pairs=(one, one, one.astype(float)))
