"""The tree against a search of every term at every position."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.longtail.trie import Trie, _Sieve

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


@settings(deadline=None, max_examples=30)
@given(st.sets(st.integers(0, 1 << 40), max_size=300), st.integers(1, 1 << 20))
def test_the_sieve_keeps_every_key_and_few_others(keys, step) -> None:
    known = np.array(sorted(keys), np.int64)
    sieve = _Sieve.of(known)
    assert sieve.places(known).tolist() == list(range(len(known)))
    asked = np.arange(-1, 2000 * step, step)
    kept = asked[sieve.places(asked)]
    assert set(asked.tolist()) & keys <= set(kept.tolist())
    assert len(kept) <= len(asked) / 3 + len(keys)


def test_many_terms_over_many_words_against_a_search_of_windows() -> None:
    rng = np.random.default_rng(3)
    terms = rng.integers(0, 60, (3000, 3))
    lengths = rng.integers(1, 4, 3000)
    flat = np.concatenate([term[:n] for term, n in zip(terms, lengths, strict=True)])
    tree = Trie.of(flat, np.repeat(np.arange(3000), lengths), 3000, 60)
    words = rng.integers(-1, 60, 5000).astype(np.int32)
    joined = rng.random(5000) < 0.8
    joined[0] = False
    named: dict[tuple[int, ...], list[int]] = {}
    for number, (term, n) in enumerate(zip(terms.tolist(), lengths.tolist(), strict=True)):
        named.setdefault(tuple(term[:n]), []).append(number)
    slow = [
        (at, n, number)
        for n in (1, 2, 3)
        for at in range(5000 - n + 1)
        if joined[at + 1 : at + n].all()
        for number in named.get(tuple(words[at : at + n].tolist()), [])
    ]
    assert hits(tree, words, joined) == sorted(slow)
