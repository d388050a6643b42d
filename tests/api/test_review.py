"""The review of a run whose mistakes are known."""

from __future__ import annotations

import pytest

from tests.api.zero_shot_world import WORDS, Control, Encoder, evaluate, fill
from workbench.api import open_workspace
from workbench.errors import InputError, UnknownName
from workbench.measures.confident import LABEL_RULES
from workbench.worker import review_evidence, review_job


@pytest.fixture
def pets(tmp_path):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        yield bench


def review(bench, key):
    job = bench.submit_review(key)
    claimed = bench.workspace.jobs.claim("test")
    result = review_job.run(claimed, bench.workspace, Control(Encoder()))
    bench.workspace.jobs.finish(job.id, "test", result)
    return bench.review(key)


def test_every_mistake_gets_one_proposal_and_one_slice(pets):
    key = evaluate(pets)
    assert pets.review(key) is None
    found = review(pets, key)
    assert sum(found.categories.values()) == 2 and found.labelled == 7
    proposals = pets.review_table(key, "proposals").to_pydict()
    assert proposals["row"] == [2, 5]  # c and f
    assert sorted(pets.review_table(key, "slices")["row"].to_pylist()) == [2, 5]
    assert sum(each["size"] for each in found.slices) == 2
    issues = pets.review_table(key, "issues").to_pylist()
    # f is less of a dog (2.8 against 9.6) than c of a cat (6 against 8)
    assert [(each["row"], each["given"], each["suggested"]) for each in issues] == [
        (5, 1, 0), (2, 0, 1),
    ]  # fmt: skip
    for rule in LABEL_RULES:
        assert found.issues[rule.key] == sum(each[rule.key] for each in issues)
    assert found.issues["by_rate"] == found.issues["by_joint"] == 2


def test_a_word_outside_the_classes_is_proposed(pets, monkeypatch):
    # f (.96, .28) is nearer to the hamster at (.98, .199) than to the cat, by .997 - .96
    monkeypatch.setattr(review_evidence, "vocabulary", lambda: ("a cat", "hamster", "fox"))
    monkeypatch.setattr(review_evidence, "outside", lambda classes: (False, True, True))
    monkeypatch.setattr(review_evidence, "TEMPLATE", "a {}.")  # toys know "photo" as a word
    monkeypatch.setitem(WORDS, "hamster", (0.98, 0.199))
    monkeypatch.setattr("workbench.measures.out_of_vocabulary.MARGIN", 0.3)  # of 10 times that
    monkeypatch.setattr("workbench.measures.confident.CLEAR", 1e30)  # no label is that wrong
    key = evaluate(pets)
    found = review(pets, key)
    table = {each["row"]: each for each in pets.review_table(key, "proposals").to_pylist()}
    assert (table[5]["category"], table[5]["word"]) == ("out-of-vocabulary", "hamster")
    assert table[2]["category"] != "out-of-vocabulary" and table[2]["word"] is None
    assert found.categories["out-of-vocabulary"] == 1


def test_the_review_is_made_once(pets):
    key = evaluate(pets)
    review(pets, key)
    first = pets.workspace.runs.newest(review_job.KIND)
    review(pets, key)
    assert pets.workspace.runs.newest(review_job.KIND) == first


def test_heads_that_cannot_score_again_say_so(pets):
    key = evaluate(pets, head="ncm")
    with pytest.raises(InputError, match="adds up prompts"):
        review(pets, key)


def test_verdicts_change_the_reviewed_accuracy(pets):
    key = evaluate(pets)
    assert pets.reviewed(key).before == pets.reviewed(key).after == pytest.approx(5 / 7)
    pets.set_verdict("pets", "c", "label-wrong", "it is a dog")
    pets.set_verdict("pets", "f", "several-true")
    found = pets.reviewed(key)
    assert (found.before, found.after) == (pytest.approx(5 / 7), pytest.approx(6 / 6))
    assert pets.verdicts("pets")["c"] == ("label-wrong", "it is a dog")
    pets.set_verdict("pets", "c", "")
    assert pets.reviewed(key).after == pytest.approx(6 / 7)
    with pytest.raises(InputError, match="plain"):
        pets.set_verdict("pets", "c", "odd")


def test_what_was_not_reviewed(pets):
    key = evaluate(pets)
    with pytest.raises(InputError, match="none yet"):
        pets.review_table(key, "issues")
    with pytest.raises(UnknownName):
        pets.submit_review("nothing")


def asked(bench, key, **conditions):
    """Items of the run's predictions that match."""
    return sorted(row.item for row in bench.predictions(key, **conditions).rows)


def test_predictions_by_what_was_said_or_proposed(pets):
    key = evaluate(pets)
    assert asked(pets, key, verdict="plain") == []  # no review yet
    review(pets, key)
    table = pets.review_table(key, "proposals").to_pydict()
    kinds = dict(zip("cf", table["category"], strict=True))
    assert "c" in asked(pets, key, verdict=kinds["c"])
    pets.set_verdict("pets", "c", "out-of-vocabulary", "A Hound, they say")
    pets.workspace.notes.set_note("pets", "d", "they sat")
    assert "c" not in asked(pets, key, verdict=kinds["c"])  # a person knows better
    assert asked(pets, key, verdict="out-of-vocabulary") == ["c"]
    assert asked(pets, key, verdict="none", correct=False) == ["f"]
    assert asked(pets, key, note="THEY") == ["c", "d"]
    assert asked(pets, key, note="they hound") == ["c"]
    assert asked(pets, key, note="they", verdict="none") == ["d"]
    assert asked(pets, key, note="they", verdict="out-of-vocabulary", rows=[3]) == []
    with pytest.raises(InputError, match="label-wrong"):
        asked(pets, key, verdict="odd")
