"""Counting as a job: equal to a slow loop, however often it is stopped, and honest about files."""

from __future__ import annotations

import gzip
import json

import pytest

from store import doctor
from tests.api import toys
from tests.longtail import plain
from tests.worker.corpus_world import ANIMALS, Stopping, alone, concepts, perform, said, write
from workbench.api import open_workspace
from workbench.errors import InputError
from workbench.longtail.corpus_files import Corpus
from workbench.prompts.classes import ClassSet
from workbench.worker.control import Interrupted

SIZES = (80, 0, 120, 50)


@pytest.fixture
def bench(tmp_path):
    with open_workspace(tmp_path / "space") as opened:
        opened.add_corpus("words", write(tmp_path / "files", *SIZES))
        yield opened


@pytest.fixture
def read(monkeypatch):
    """Numbers of the shards that are read."""
    found, reading = [], Corpus.read

    def reads(self, shard, report=None):
        found.append(shard.number)
        return reading(self, shard, report)

    monkeypatch.setattr(Corpus, "read", reads)
    return found


def ask(bench, **asked):
    return bench.submit_count("words", classes=ANIMALS, **asked)


def tables(bench, key):
    run = bench.workspace.runs.get(key)
    found = {name: bench.workspace.runs.table(run, name).to_pydict() for name in run.tables}
    told = {name: value for name, value in run.result.items() if name != "seconds"}
    return told, found


def parts(bench):
    return bench.workspace.runs.list("count-shard")


def check(bench, key, texts, rule, *, synonyms=True, **told):
    """Every figure against the slow loop."""
    result, found = tables(bench, key)
    of = concepts(synonyms=synonyms)
    distinct, by_term, matched, pairs, where = plain.count(texts, of, rule, **told)
    terms, owner = of.flat()
    assert found["concepts"]["name"] == list(of.names)
    assert found["concepts"]["captions"] == distinct
    assert found["terms"]["term"] == list(terms)
    assert found["terms"]["concept"] == owner.tolist()
    assert found["terms"]["captions"] == by_term
    assert found["terms"]["alone"] == alone(texts, of, rule, **told)
    together = zip(*(found["pairs"][name] for name in ("a", "b", "captions")), strict=True)
    assert {(a, b): n for a, b, n in together} == pairs
    assert (result["captions"], result["matched"]) == (len(texts), matched)
    assert result["empty"] == sum(not text.strip() for text in texts)
    return result, where


@pytest.mark.parametrize("rule", ["substring", "words", "lemmas", "phrases"])
@pytest.mark.parametrize("synonyms", [True, False])
def test_a_count_is_what_a_slow_loop_counts(bench, rule, synonyms):
    texts = said(*SIZES)
    key = perform(bench, ask(bench, rule=rule, synonyms=synonyms))
    result, where = check(bench, key, texts, rule, synonyms=synonyms)
    assert (result["found"], result["problems"], result["skip"]) == (0, [], [])
    assert result["pairs_complete"] and result["rule"] == rule
    _, found = tables(bench, key)
    for concept in range(len(ANIMALS)):
        kept = [
            (number, caption)
            for c, number, caption in zip(*found["examples"].values(), strict=True)
            if c == concept
        ]
        assert [text for _, text in kept] == [texts[i] for i in where[concept][:20]]
        assert [n for n, _ in kept] == sorted({n for n, _ in kept})


def test_the_name_that_captions_use_most(bench):
    _, found = tables(bench, perform(bench, ask(bench)))
    by_term = dict(zip(found["terms"]["term"], found["terms"]["captions"], strict=True))
    for terms, most in zip(concepts().terms, found["concepts"]["most_frequent"], strict=True):
        assert by_term[most] == max(by_term[term] for term in terms)
    assert found["concepts"]["most_frequent"][4] == "newt"  # neither was said: the name stays


@pytest.mark.parametrize("after", range(4))
def test_a_stopped_count_goes_on_behind_the_last_shard(bench, read, tmp_path, after):
    with pytest.raises(Interrupted):
        perform(bench, ask(bench), Stopping(after))
    done = {part.params["shard"] for part in parts(bench)}
    assert len(done) == min(after + (after >= 1), 4)  # the empty file gives no table and no tick
    read.clear()
    key = perform(bench, ask(bench))
    assert set(read) == set(range(4)) - done
    check(bench, key, said(*SIZES), "words")
    assert parts(bench) == ()
    with open_workspace(tmp_path / "other") as other:
        other.add_corpus("words", [tmp_path / "files" / f"{n}.txt" for n in range(4)])
        assert tables(other, perform(other, ask(other))) == tables(bench, key)
    assert [each for each in doctor.check(bench.workspace) if not each.harmless] == []


def test_the_same_question_is_counted_once(bench, read):
    key = perform(bench, ask(bench))
    read.clear()
    assert perform(bench, ask(bench)) == key and read == []
    assert perform(bench, ask(bench, synonyms=False)) != key
    assert [run.synonyms for run in bench.counts()] == [False, True]


def test_a_kill_while_shards_are_dropped_leaves_none(bench, monkeypatch):
    dropping = bench.workspace.runs.drop

    def killed(key):
        dropping(key)
        raise Interrupted("killed")

    with monkeypatch.context() as patch:
        patch.setattr(bench.workspace.runs, "drop", killed)
        with pytest.raises(Interrupted):
            perform(bench, ask(bench))
    assert len(parts(bench)) == 3 and len(bench.counts()) == 1
    assert perform(bench, ask(bench)) == bench.counts()[0].key
    assert parts(bench) == ()


def test_a_changed_corpus_is_refused_and_its_shards_are_forgotten(bench, tmp_path):
    with pytest.raises(Interrupted):
        perform(bench, ask(bench), Stopping(2))
    assert len(parts(bench)) == 3
    (tmp_path / "files" / "3.txt").write_text("a cat\n")
    waiting = bench.jobs(("queued",))[0]
    with pytest.raises(InputError, match="files as when the count was asked for"):
        perform(bench, waiting)
    assert parts(bench) == ()
    key = perform(bench, ask(bench))
    check(bench, key, [*said(*SIZES[:3]), "a cat"], "words")


def test_shards_of_another_version_are_forgotten_by_the_next_count(bench, tmp_path):
    with pytest.raises(Interrupted):
        perform(bench, ask(bench), Stopping(2))
    bench.cancel(bench.jobs(("queued",))[0].id)
    (tmp_path / "files" / "3.txt").write_text("a cat\n")
    perform(bench, ask(bench))
    assert parts(bench) == ()


def test_shards_of_another_question_stay(bench):
    with pytest.raises(Interrupted):
        perform(bench, ask(bench, synonyms=False), Stopping(2))
    bench.cancel(bench.jobs(("queued",))[0].id)
    perform(bench, ask(bench))
    assert len(parts(bench)) == 3


UNKNOWN = {"rule": "lemmas", "options": {"skip_unknown": True}}
ZOO = ClassSet(("spotted cat", "newt", "dog"), synonyms=((), (), ("barking hound",)))


def zoo(bench):
    return bench.submit_count("words", classes=ZOO, **UNKNOWN)


def test_unknown_words_are_left_out_in_a_second_pass(bench, read):
    key = perform(bench, zoo(bench))
    assert read == [0, 1, 2, 3] * 2
    texts, skip = said(*SIZES), {"spotted", "newt", "barking"}
    result, found = tables(bench, key)
    assert set(result["skip"]) == skip and result["captions"] == len(texts)
    of = concepts(ZOO)
    distinct, by_term, matched, _, _ = plain.count(texts, of, "lemmas", skip=skip)
    assert found["concepts"]["captions"] == distinct and distinct[1] == 0 < distinct[0]
    assert found["terms"]["captions"] == by_term and result["matched"] == matched
    assert "skip" in result["rule"]
    # and without the option such a word makes the count 0
    plainly = tables(bench, perform(bench, bench.submit_count("words", classes=ZOO, rule="lemmas")))
    assert plainly[1]["terms"]["captions"][:2] == [0, 0] and plainly[0]["skip"] == []


@pytest.mark.parametrize("after", [2, 3, 4, 5, 6])
def test_a_second_pass_that_was_stopped_goes_on(bench, read, after):
    whole = tables(bench, perform(bench, zoo(bench)))
    bench.workspace.runs.drop(bench.counts()[0].key)
    with pytest.raises(Interrupted):
        perform(bench, zoo(bench), Stopping(after))
    done = len(parts(bench))
    assert done >= after
    read.clear()
    assert tables(bench, perform(bench, zoo(bench))) == whole
    assert len(read) == 8 - done and parts(bench) == ()


def test_broken_files_are_named_and_the_count_goes_on(tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    whole = gzip.compress(b"a cat\na dog\n" * 2000, mtime=0)
    (folder / "a.txt.gz").write_bytes(whole[: len(whole) // 2])
    rows = ['{"caption": "a dog"}', '{"caption": ', '{"caption": "a cat"}', json.dumps({"x": 1})]
    (folder / "b.jsonl").write_text("\n".join([*rows, '{"caption": ""}']))
    (folder / "c.txt").write_bytes(b"a hound\n\xff\xfe broken\na kitten\n")
    (folder / "d.csv").write_text("caption,n\na sundae,1\n")
    (folder / "e.csv").write_text("words,n\na sundae,1\n")
    with open_workspace(tmp_path / "space") as bench:
        bench.add_corpus("words", folder)
        key = perform(bench, ask(bench))
        run, counts = bench.count_run(key), bench.counted(key).distinct
        assert run.found == len(run.problems) >= 4
        for name, line in (("a.txt.gz", ""), ("b.jsonl", "2"), ("c.txt", "2"), ("e.csv", "")):
            assert any(name in each and line in each for each in run.problems), name
        assert run.empty >= 1
        assert counts[3] == 1 and counts[0] >= 2 and counts[1] >= 2


def test_a_corpus_without_a_caption_is_refused(tmp_path):
    (tmp_path / "none.txt").write_text("")
    with open_workspace(tmp_path / "space") as bench:
        bench.add_corpus("words", tmp_path / "none.txt")
        with pytest.raises(InputError, match="expected captions"):
            perform(bench, ask(bench))
        assert parts(bench) == () and bench.counts() == ()


def test_the_captions_of_a_dataset(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.worker.corpora._DATASET_ROWS", 2)  # three shards of two
    (tmp_path / "images").mkdir()
    with open_workspace(tmp_path / "space") as bench:
        toys.fill(bench, tmp_path / "images")
        classes = ClassSet(("apple", "pear", "car", "fruit"))
        key = perform(bench, bench.submit_count("toys", classes=classes))
        counts = bench.counted(key)
        assert counts.distinct.tolist() == [2, 1, 1, 1] and counts.captions == 5
        found = [(each.number, each.item) for each in bench.count_examples(key, 0)]
        assert found == [(0, 0), (2, 1)]  # caption rows and their items
        assert bench.count_run(key).current
        bench.workspace.catalog.delete_dataset("toys")
        assert bench.counts() == ()  # gone with its captions
