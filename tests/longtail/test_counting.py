"""Counters: by hand, against slow loops, however the corpus is cut, saved or merged."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.longtail.plain import count, words
from workbench.errors import InputError, UnknownName
from workbench.longtail.concepts import Concepts
from workbench.longtail.corpus_files import open_corpus
from workbench.longtail.counting import Counter
from workbench.longtail.lemmas import lemma
from workbench.longtail.matching import _BLOCK_BYTES
from workbench.longtail.rules import RULES, Options

KEYS = [rule.key for rule in RULES]
CONCEPTS = Concepts.of(["dog", "cat", "bus"], [["hound", "canine"], ["feline"], ["double decker"]])
CAPTIONS = [
    "a dog and a cat",
    "the hound chases a feline, the dog sleeps",
    "a double decker bus",
    "nothing here",
    None,
    "cat",
]


def counted(captions, concepts=CONCEPTS, rule="words", *, cuts=(), **more) -> Counter:
    edges = [0, *sorted(cuts), len(captions)]
    whole = Counter(concepts, rule, threads=1, **more)
    for begin, end in pairwise(edges):
        part = Counter(concepts, rule, threads=1, **more)
        part.add(captions[begin:end], begin)
        part.merge(whole)
        whole = part
    return whole


def same(one: Counter, other: Counter) -> None:
    a, b = one.counts("x"), other.counts("x")
    for name in ("captions", "matched", "rule", "corpus", "concepts", "pairs_complete"):
        assert getattr(a, name) == getattr(b, name)
    for x, y in zip(
        (a.distinct, a.by_term, *a.pairs), (b.distinct, b.by_term, *b.pairs), strict=True
    ):
        assert x.tolist() == y.tolist()
    assert one.examples.tolist() == other.examples.tolist()
    assert dict(one.texts) == dict(other.texts)


def test_counts_by_hand() -> None:
    counter = counted(CAPTIONS, examples=2)
    counts = counter.counts("six captions")
    assert (counts.captions, counts.matched, counts.rule) == (6, 4, "words")
    assert counts.distinct.tolist() == [2, 3, 1]
    assert counts.by_term.tolist() == [2, 1, 0, 2, 1, 1, 1]
    assert [each.tolist() for each in counts.pairs] == [[0], [1], [2]]
    assert counts.most_frequent() == ("dog", "cat", "bus")
    assert counter.examples.tolist() == [[0, 1], [0, 1], [2, -1]]
    assert dict(counter.texts) == {i: CAPTIONS[i] for i in (0, 1, 2)}


WORD = st.sampled_from(
    ["dog", "Dog", "dogs", "hound", "cat", "category", "double", "decker", "bus", "a"]
)
CORPUS = st.lists(st.lists(WORD, max_size=6).map(" ".join), max_size=9)


@pytest.mark.parametrize("rule", KEYS)
@settings(deadline=None, max_examples=50)
@given(CORPUS, st.lists(st.integers(0, 9), max_size=3))
def test_any_cut_gives_the_slow_loops_counts(rule, captions, cuts) -> None:
    cuts = [min(cut, len(captions)) for cut in cuts]
    counter = counted(captions, rule=rule, cuts=cuts, examples=2)
    counts = counter.counts()
    distinct, by_term, matched, pairs, where = count(captions, CONCEPTS, rule)
    assert counts.distinct.tolist() == distinct
    assert counts.by_term.tolist() == by_term
    assert counts.matched == matched
    assert {(a, b): n for a, b, n in zip(*(p.tolist() for p in counts.pairs), strict=True)} == pairs
    assert counter.examples.tolist() == [[*each, -1, -1][:2] for each in where]
    assert all(captions[number] == text for number, text in counter.texts.items())


@pytest.mark.parametrize("rule", KEYS)
@settings(deadline=None, max_examples=50)
@given(CORPUS, st.lists(WORD, min_size=1, max_size=2).map(" ".join))
def test_a_synonym_never_lowers_a_count(rule, captions, synonym) -> None:
    more = Concepts.of(CONCEPTS.names, [[*CONCEPTS.terms[0][1:], synonym], *CONCEPTS.terms[1:]])
    before = counted(captions, rule=rule).counts()
    after = counted(captions, more, rule=rule).counts()
    assert (after.distinct >= before.distinct).all()
    _, owner = more.flat()
    assert (after.distinct <= np.bincount(owner, after.by_term)).all()


@settings(deadline=None, max_examples=50)
@given(CORPUS, st.lists(WORD, min_size=1, max_size=2).map(" ".join), st.integers(0, 9))
def test_skipping_unknown_words_takes_a_second_pass_and_is_exact(captions, name, cut) -> None:
    concepts = Concepts.of([f"{name} xyzzy", "quux", name], [["plugh"], [], []])
    asked = {"rule": "lemmas", "options": Options(skip_unknown=True)}
    cuts = [min(cut, len(captions))]
    counter = counted(captions, concepts, cuts=cuts, **asked)
    said = {lemma(word) for text in captions for word in words(text)}
    wanted = {lemma(word) for terms in concepts.terms for term in terms for word in words(term)}
    assert set(counter.unknown) == wanted - said
    with pytest.raises(InputError, match="second pass"):
        counter.counts()
    again = counted(captions, concepts, cuts=cuts, skip=counter.unknown, **asked)
    assert counter.second_pass().matcher.skip == again.matcher.skip
    assert again.second_pass() is None
    slow = count(captions, concepts, "lemmas", skip=wanted - said)
    assert again.counts().distinct.tolist() == slow[0]
    assert again.counts().rule == "lemmas+skip_unknown"


def test_an_unknown_word_makes_the_count_zero_unless_it_is_skipped() -> None:
    concepts = Concepts.of(["dog xyzzy"])
    assert counted(CAPTIONS, concepts, "lemmas").counts().distinct.tolist() == [0]
    skipping = Counter(concepts, "lemmas", Options(skip_unknown=True))
    skipping.add(CAPTIONS)
    again = skipping.second_pass()
    again.add(CAPTIONS)
    assert again.counts().distinct.tolist() == [2]


def test_a_saved_counter_goes_on_where_it_stopped(tmp_path) -> None:
    path = tmp_path / "part.npz"
    for rule in KEYS:
        whole = counted(CAPTIONS, rule=rule)
        first = Counter(CONCEPTS, rule)
        first.add(CAPTIONS[:2])
        first.save(path)
        second = Counter.load(path)
        second.add(CAPTIONS[2:], 2)
        same(second, whole)
    assert [each.name for each in tmp_path.iterdir()] == ["part.npz"]


def test_a_damaged_file_is_named(tmp_path) -> None:
    path = tmp_path / "part.npz"
    with pytest.raises(InputError, match=r"part\.npz"):
        Counter.load(path)
    counted(CAPTIONS).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"part\.npz"):
        Counter.load(path)
    np.savez(path, distinct=np.zeros(3))
    with pytest.raises(InputError, match="saved counts"):
        Counter.load(path)


def test_counters_that_asked_another_question_do_not_merge() -> None:
    with pytest.raises(InputError, match="counts to merge"):
        counted(CAPTIONS).merge(counted(CAPTIONS, rule="phrases"))
    with pytest.raises(UnknownName):
        Counter(CONCEPTS, "guess")


@pytest.mark.parametrize("cuts", [(), (1,), (1, 2, 3)])
def test_too_many_pairs_are_none_at_all_however_it_was_cut(cuts) -> None:
    captions = ["dog cat", "dog bus", "dog cat", "cat bus"]
    kept = counted(captions, cuts=cuts, most_pairs=3).counts()
    assert kept.pairs_complete and kept.pairs[2].tolist() == [2, 1, 1]
    counts = counted(captions, cuts=cuts, most_pairs=2).counts()
    assert not counts.pairs_complete and not len(counts.pairs[0])
    assert counts.distinct.tolist() == kept.distinct.tolist()


def test_numbers_with_gaps_name_the_examples() -> None:
    counter = Counter(CONCEPTS, "words", examples=1)
    counter.add(["dog", "dog"], numbers=np.array([70, 30]))
    assert counter.examples[0].tolist() == [30]
    with pytest.raises(InputError, match="numbers of captions"):
        counter.add(["dog", "dog"], numbers=np.array([70]))


@settings(deadline=None, max_examples=5)
@given(st.randoms(use_true_random=False))
def test_threads_and_blocks_change_nothing(random) -> None:
    texts = [" ".join(random.choices(["dog", "cat", "bus", "hound", "x"], k=5)) for _ in range(300)]
    texts[random.randrange(300)] = "y" * (_BLOCK_BYTES + 10) + " dog"
    texts[random.randrange(300)] = "z" * (_BLOCK_BYTES + 10) + " cat"
    one, many = Counter(CONCEPTS, "lemmas", threads=1), Counter(CONCEPTS, "lemmas", threads=3)
    one.add(texts)
    many.add(pa.chunked_array([texts[:100], texts[100:]]))
    same(one, many)


def test_the_planted_counts_of_the_sample_world_are_found() -> None:
    world = Path(__file__).resolve().parents[2] / "sample_data"
    about = json.loads((world / "concepts.json").read_text("utf-8"))
    with (world / "pretrain" / "counts.csv").open(encoding="utf-8") as file:
        planted = {row["name"]: int(row["count"]) for row in csv.DictReader(file)}
    concepts = Concepts.of([c["name"] for c in about], [c["synonyms"] for c in about])
    counter = Counter(concepts, "words")
    for table in open_corpus(world / "pretrain" / "captions.parquet").batches():
        counter.add(table["caption"], numbers=table["number"])
    counts = counter.counts("sample")
    assert counts.captions == counts.matched == 125_480
    said = [" ".join(words(term)) for terms in concepts.terms for term in terms]
    said += [" ".join(words(word)) for c in about for word in c["pretrain_words"]]
    everything = f" {' | '.join(dict.fromkeys(said))} "
    alone = 0
    for name, terms, found in zip(
        concepts.names, concepts.terms, counts.distinct.tolist(), strict=True
    ):
        assert found >= planted[name]
        if name == "small airplane":  # also an airplane that is small
            continue
        if all(everything.count(f" {' '.join(words(term))} ") == 1 for term in terms):
            assert found == planted[name]  # no other concept is called by its words
            alone += 1
    assert alone > 500
