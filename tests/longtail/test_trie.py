"""The tree against a search of every term at every position."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.longtail.trie import Trie

TERMS = st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=8)
WORDS = st.lists(st.tuples(st.integers(-1, 3), st.booleans()), max_size=15)


def trie(terms) -> Trie:
    words = np.array([word for term in terms for word in term], np.int64)
    owner = np.repeat(np.arange(len(terms)), [len(term) for term in terms])
    return Trie.of(words, owner, len(terms), 4)


def hits(tree: Trie, words, joined) -> list[tuple[int, int, int]]:
    found = tree.walk(np.array(words, np.int32), np.array(joined, bool))
    return sorted(
        zip(found.start.tolist(), found.length.tolist(), found.term.tolist(), strict=True)
    )


@settings(deadline=None, max_examples=50)
@given(TERMS, WORDS)
def test_every_occurrence_of_every_term_is_found(terms, marked) -> None:
    words = [word for word, _ in marked]
    joined = [follows and place > 0 for place, (_, follows) in enumerate(marked)]
    slow = [
        (start, len(term), number)
        for start in range(len(words))
        for number, term in enumerate(terms)
        if term
        and words[start : start + len(term)] == term
        and all(joined[start + 1 : start + len(term)])
    ]
    assert hits(trie(terms), words, joined) == sorted(slow)


def test_a_term_inside_another_and_two_that_are_alike() -> None:
    tree = trie([[0, 1], [0], [0, 1], [1, 2]])
    assert hits(tree, [0, 1, 2], [False, True, True]) == [
        (0, 1, 1),
        (0, 2, 0),
        (0, 2, 2),
        (1, 2, 3),
    ]
    assert hits(tree, [0, 1, 2], [False, False, True]) == [(0, 1, 1), (1, 2, 3)]


def test_terms_without_words_are_never_found() -> None:
    assert hits(trie([[], []]), [0, 1], [False, True]) == []
