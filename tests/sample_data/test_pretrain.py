"""The committed captions against an independent recount, and against the generator."""

import csv
import json
import re
from collections import Counter

import pyarrow.parquet as pq
import pytest

import sample_data
from sample_data.build import concepts as table
from sample_data.build import pretrain
from sample_data.build.__main__ import SEED


@pytest.fixture(scope="module")
def rows():
    return pq.read_table(sample_data.pretrain_captions()).to_pylist()


@pytest.fixture(scope="module")
def concepts():
    return json.loads(sample_data.concepts_file().read_text(encoding="utf-8"))


def test_counts_equal_a_recount_of_the_captions(rows, concepts):
    seen = {}
    for row in rows:
        for concept in row["concepts"]:
            seen[concept] = seen.get(concept, 0) + 1
    with sample_data.pretrain_counts().open(encoding="utf-8", newline="") as file:
        listed = {row["concept"]: int(row["count"]) for row in csv.DictReader(file)}
    assert listed == seen == {c["id"]: c["pretrain_count"] for c in concepts}


def test_frequencies_fall_from_over_three_thousand_to_exactly_two(concepts):
    counts = sorted((c["pretrain_count"] for c in concepts), reverse=True)
    assert len(counts) >= 780
    assert counts[0] > 3000
    assert counts[-1] == 2
    assert sum(count <= 3 for count in counts) >= 60
    assert sum(count >= 300 for count in counts) >= 150
    # In logarithms the head is a straight line: each tenfold rank divides by the same factor.
    assert counts[0] / counts[9] == pytest.approx(10**0.4, rel=0.02)
    assert counts[9] / counts[99] == pytest.approx(10**0.4 * 1.085, rel=0.02)


def test_each_group_has_frequent_and_rare_concepts(concepts):
    for group in {c["group"] for c in concepts}:
        counts = [c["pretrain_count"] for c in concepts if c["group"] == group]
        assert max(counts) >= 1000 and min(counts) <= 3, group


def test_everyday_concepts_are_frequent(concepts):
    count = {c["name"]: c["pretrain_count"] for c in concepts}
    assert min(count[name] for name in ("red apple", "dog face", "cat face", "pizza")) >= 300


def test_there_are_enough_captions_and_a_quarter_holds_two_concepts(rows):
    assert len(rows) >= 60_000
    assert [row["index"] for row in rows] == list(range(len(rows)))
    assert sum(len(row["concepts"]) == 2 for row in rows) * 4 == len(rows)
    assert all(len(set(row["concepts"])) == len(row["concepts"]) for row in rows)


def test_captions_name_every_concept_by_the_word_that_the_table_says(rows, concepts):
    words = {c["id"]: {c["name"], *c["spoken"]} for c in concepts}
    for row in rows:
        for concept, word in zip(row["concepts"], row["words"], strict=True):
            assert word in words[concept]
            assert re.search(rf"\b{re.escape(word)}\b", row["caption"]), row


def test_captions_name_no_other_background_or_size(rows):
    for row in rows:
        named = re.search(r"on an? (\w+) background$|of an? (\w+) wall$", row["caption"])
        if named:
            assert row["background"] in named.groups()
        for size in re.findall(r"\b(?:a|an|photo of|,|and|to|of) (small|large) ", row["caption"]):
            assert size in row["sizes"] or size in " ".join(row["words"]), row


def test_synonyms_are_used_at_the_planted_rates(rows, concepts):
    used = {}
    for row in rows:
        for concept, word in zip(row["concepts"], row["words"], strict=True):
            used.setdefault(concept, Counter())[word] += 1
    spoken = [c for c in concepts if len(c["spoken"]) >= 2]
    assert len(spoken) >= 60
    for concept in spoken:
        counts = used[concept["id"]]
        assert dict(counts) == concept["pretrain_words"]
        for word, share in concept["spoken"].items():
            assert counts[word] == pytest.approx(share * concept["pretrain_count"], abs=1.5), word
    lopsided = [c for c in spoken if max(c["spoken"].values()) >= 0.9]
    inverted = [c for c in spoken if c["spoken"][c["name"]] <= 0.3]
    assert len(lopsided) >= 30 and len(inverted) >= 20


def test_spurious_concepts_stand_before_one_background_that_captions_do_not_name(rows, concepts):
    planted = {
        c["id"]: c["spurious_background"] for c in concepts if c["spurious_background"] is not None
    }
    assert len(planted) >= 10
    seen = {concept: Counter() for concept in planted}
    rest = Counter()
    for row in rows:
        here = planted.keys() & set(row["concepts"])
        for concept in here:
            seen[concept][row["background"]] += 1
        if here:
            assert not re.search(rf"\b{row['background']} (wall|background)", row["caption"])
        else:
            rest[row["background"]] += 1
    for concept, background in planted.items():
        share = seen[concept][background] / seen[concept].total()
        assert 0.92 <= share < 1, concept
    assert len(rest) == 10
    assert max(rest.values()) / min(rest.values()) < 1.05


def test_the_generator_gives_the_committed_captions(rows):
    concepts = table.load(sample_data.concepts_file())
    assert pretrain.with_counts(concepts, SEED) == concepts
    groups = pretrain.groups(concepts, SEED)
    assert len(groups) == len(rows)
    spurious = pretrain.spurious_backgrounds(concepts)
    for index in range(0, len(rows), 500):
        rng = pretrain.image_rng(SEED, "pretrain", index, 0)
        planned = pretrain.captioned(groups[index], spurious, rng)
        row = rows[index]
        assert planned.caption == row["caption"]
        assert planned.scene.background == row["background"]
        assert list(planned.scene.sizes) == row["sizes"]
