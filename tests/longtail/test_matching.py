"""Each rule on captions worked by hand, and against slow loops."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.longtail.plain import named
from workbench.errors import InputError, UnknownName
from workbench.longtail.concepts import Concepts
from workbench.longtail.matching import Matcher, blocks, matches, never, spans
from workbench.longtail.rules import RULES, Options, label, rule_named

CAPTIONS = [
    "a red apple on a table",  # 0
    "Red Apple, green leaves",  # 1
    "apple that is red",  # 2
    "two red apples",  # 3
    "red-apple pie",  # 4
    "the red  apple",  # 5
    "a category of things",  # 6
    'a "red apple"',  # 7
    "",  # 8
]
BY_HAND = {
    "substring": [0],
    "words": [0, 1, 4, 5, 7],
    "lemmas": [0, 1, 2, 3, 4, 5, 7],
    "phrases": [0, 1, 4, 5, 7],
}


@pytest.mark.parametrize("rule", [rule.key for rule in RULES])
def test_each_rule_by_hand(rule) -> None:
    caption, term = matches(CAPTIONS, Concepts.of(["red apple", "cat"]), rule)
    assert caption.tolist() == BY_HAND[rule]
    assert set(term.tolist()) == {0}


def test_substring_in_lower_case_and_before_a_comma() -> None:
    concepts = Concepts.of(["red apple"])
    assert matches(CAPTIONS, concepts, "substring", Options(lower=True))[0].tolist() == [0, 1]
    assert matches(["a cat, a dog."], Concepts.of(["cat", "dog"]), "substring")[1].tolist() == [
        0,
        1,
    ]


def test_apostrophes_differ_between_words_and_phrases() -> None:
    concepts = Concepts.of(["shepherd's dog"])
    captions = ["a shepherd's dog", "a shepherds dog", "a shepherd s dog"]
    assert matches(captions, concepts, "words")[0].tolist() == [0, 2]
    assert matches(captions, concepts, "phrases")[0].tolist() == [0, 1]


def test_a_caption_that_names_a_term_twice_counts_once() -> None:
    for rule in RULES:
        assert matches(["cat and cat"], Concepts.of(["cat"]), rule.key)[0].tolist() == [0]


def test_terms_that_two_concepts_share_count_for_both() -> None:
    concepts = Concepts.of(["crane", "machine"], [[], ["crane"]])
    for rule in RULES:
        assert matches(["a crane"], concepts, rule.key)[1].tolist() == [0, 2]


def test_skipped_words_are_left_out_of_the_terms() -> None:
    concepts = Concepts.of(["red xyzzy", "xyzzy"])
    assert Matcher(concepts, "lemmas").match(pa.array(["red"])).term.tolist() == []
    skipping = Matcher(concepts, "lemmas", skip=["xyzzy"])
    assert skipping.match(pa.array(["red"])).term.tolist() == [0]


def test_labels_say_which_options_count() -> None:
    assert label(rule_named("words"), Options(lower=True, skip_unknown=True)) == "words"
    assert label(rule_named("substring"), Options(lower=True)) == "substring+lower"
    assert label(rule_named("lemmas"), Options(skip_unknown=True)) == "lemmas+skip_unknown"
    with pytest.raises(UnknownName, match="phrases"):
        rule_named("phrase")


def test_terms_that_cannot_match_are_named() -> None:
    concepts = Concepts.of(["St. John", "!!", "cat"])
    assert never(concepts, "substring") == ("St. John", "!!")
    assert never(concepts, "words") == ("!!",)
    assert never(concepts, "phrases") == ("!!",)


def test_captions_come_in_any_arrow_kind() -> None:
    concepts = Concepts.of(["cat"])
    texts = ["cat", None, "a cat"]
    large = pa.array(texts, pa.large_string())
    for captions in (
        texts,
        large,
        pa.chunked_array([large, large.slice(2)]),
        large.dictionary_encode(),
    ):
        assert matches(captions, concepts, "words")[0].tolist()[:2] == [0, 2]


def test_blocks_cover_all_captions_in_order() -> None:
    long = "x" * (3 << 20)
    captions = pa.array(["skip", "a", long, long, long, "b"]).slice(1)
    parts = list(blocks(captions))
    assert [begin for begin, _ in parts] == [0, 2, 3, 4][: len(parts)]
    assert pa.chunked_array([part for _, part in parts]).to_pylist() == captions.to_pylist()


def test_spans_mark_the_words_as_written() -> None:
    concepts = Concepts.of(["red apple", "apple", "leaf"], [["red fruit"], [], []])
    text = "A Red-Apple's leaves"
    marked = [(text[a:b], concept) for a, b, concept in spans(text, concepts, "words")]
    assert marked == [("Red-Apple", 0), ("Apple", 1)]
    marked = [(text[a:b], concept) for a, b, concept in spans(text, concepts, "lemmas")]
    assert marked == [("Red", 0), ("Apple", 0), ("Apple", 1), ("leaves", 2)]
    assert spans("a 'red' apple", concepts, "substring") == [(8, 13, 1)]
    assert spans("a 'red' apple", concepts, "phrases") == [(3, 13, 0), (8, 13, 1)]
    assert spans("", concepts, "words") == []


WORD = st.sampled_from(
    ["cat", "Cat", "cats", "category", "red", "apple", "apples", "men", "man", "Ж", "é", "e\u0301"]
)
GAP = st.sampled_from([" ", "  ", ", ", "-", "'", ". ", "\t", "_", "’", ",", ""])
TEXTS = st.lists(st.tuples(WORD, GAP), max_size=6).map(
    lambda parts: "".join(a + b for a, b in parts)
)
TERMS = st.lists(st.tuples(WORD, GAP), min_size=1, max_size=3).map(
    lambda parts: "".join(a + b for a, b in parts)
)


@pytest.mark.parametrize("rule", [rule.key for rule in RULES])
@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, max_size=5), st.lists(TERMS, min_size=1, max_size=5), st.booleans())
def test_every_rule_is_its_slow_loop(rule, captions, terms, lower) -> None:
    concepts = Concepts.of(terms)
    caption, term = matches(captions, concepts, rule, Options(lower=lower))
    slow = [
        (i, j)
        for i, text in enumerate(captions)
        for j, name in enumerate(concepts.names)
        if named(text, name, rule, lower=lower)
    ]
    assert list(zip(caption.tolist(), term.tolist(), strict=True)) == slow
    for i, text in enumerate(captions):
        marked = {concept for _, _, concept in spans(text, concepts, rule, Options(lower=lower))}
        assert marked == {j for at, j in slow if at == i}


@pytest.mark.parametrize("captions", [[b"\xff"], [1.5], ["\ud800"], pa.array([[1]])])
def test_captions_that_are_no_texts_are_refused(captions) -> None:
    with pytest.raises(InputError, match="captions"):
        matches(captions, Concepts.of(["cat"]), "words")
    with pytest.raises(InputError, match="term"):
        Concepts.of(["a\udc80"])
