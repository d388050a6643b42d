"""Names with no other concept beside them, where one name may stand inside another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.longtail.plain import named
from workbench.longtail.alone import Within, alone
from workbench.longtail.concepts import Concepts
from workbench.longtail.counting import Counter
from workbench.longtail.matching import Matcher

TRAINS = Concepts.of(["bullet train", "train", "dog"], [["express train"], ["tram"], []])
CAPTIONS = (
    "an express train",
    "a train",
    "an express train and a dog",
    "an express train or a tram",  # the tram is another one
    "a bullet train, an express train",
    "a dog",
)


@pytest.mark.parametrize("rule", ["words", "phrases", "substring", "lemmas"])
def test_words_within_a_name_are_no_other_concept(rule):
    counter = Counter(TRAINS, rule)
    counter.add([caption.replace(",", " ,") for caption in CAPTIONS])
    counts = counter.counts()
    # bullet train, express train, train, tram, dog
    assert counts.by_term.tolist() == [1, 4, 5, 1, 2]
    assert counts.alone.tolist() == [1, 2, 1, 0, 1]
    assert counts.most_frequent(alone=True) == ("express train", "train", "dog")


def test_one_word_for_two_concepts_stands_for_neither():
    cranes = Concepts.of(["crane", "bird", "hook"], [[], ["crane"], []])
    counter = Counter(cranes, "words")
    counter.add(["a crane", "a bird", "a crane with a hook"])
    assert counter.counts().alone.tolist() == [0, 1, 0, 0]


def test_names_in_names_in_names():
    nested = Concepts.of(["red fire truck", "fire truck", "truck", "red"])
    counter = Counter(nested, "words")
    counter.add(["a red fire truck", "a fire truck", "a truck that is red"])
    assert counter.counts().alone.tolist() == [1, 1, 0, 0]


def test_which_names_stand_within_which():
    within = Matcher(TRAINS, "words").within
    found = [
        within.inner[a:b].tolist()
        for a, b in zip(within.starts[:-1], within.starts[1:], strict=True)
    ]
    assert found == [[2], [2], [], [], []]  # bullet and express train hold "train"


def test_no_match_at_all():
    none = np.zeros(0, dtype=np.int64)
    within = Within(np.zeros(3, dtype=np.int64), none)
    assert alone(none, none, np.array([0, 1]), within).tolist() == []


def test_parts_of_a_corpus_share_the_matcher(tmp_path):
    counter = Counter(TRAINS, "lemmas")
    part = counter.blank()
    assert part.matcher is counter.matcher
    part.add(CAPTIONS)
    assert counter.counts().captions == 0 and part.counts().captions == len(CAPTIONS)
    part.save(tmp_path / "part.npz")
    same = Counter.load(tmp_path / "part.npz", like=counter)
    assert same.matcher is counter.matcher and same.counts().alone.tolist() == [1, 2, 1, 0, 1]
    other = Counter.load(tmp_path / "part.npz", like=Counter(TRAINS, "words"))
    assert other.matcher.rule.key == "lemmas"
    assert other.counts().by_term.tolist() == same.counts().by_term.tolist()


WORDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(" ".join)
SENTENCES = st.lists(st.lists(st.sampled_from("abcd"), max_size=7).map(" ".join), max_size=6)


def slowly(captions, concepts) -> list[int]:
    """By term, the captions that name no other concept but by words of the term itself."""
    owner = [c for c, terms in enumerate(concepts.terms) for _ in terms]
    terms = [term for each in concepts.terms for term in each]
    numbers = range(len(terms))

    def inside(inner: int, outer: int) -> bool:
        a, b = terms[inner], terms[outer]
        return owner[inner] != owner[outer] and named(b, a, "words") and not named(a, b, "words")

    found = [0] * len(terms)
    for caption in captions:
        here = [term for term in numbers if named(caption, term=terms[term], rule="words")]
        for term in here:
            others = {owner[each] for each in here} - {owner[term]}
            found[term] += all(
                all(inside(each, term) for each in here if owner[each] == other) for other in others
            )
    return found


@settings(deadline=None, max_examples=80)
@given(st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=5), SENTENCES)
def test_alone_is_what_a_slow_loop_finds(lists, captions):
    concepts = Concepts.of([each[0] for each in lists], [each[1:] for each in lists])
    counter = Counter(concepts, "words", threads=1)
    counter.add(captions)
    assert counter.counts().alone.tolist() == slowly(captions, concepts)
