"""The balance of a corpus: what a plain loop over its captions keeps."""

from __future__ import annotations

import numpy as np
import pytest

from tests.longtail import plain
from tests.worker.corpus_world import ANIMALS, Stopping, concepts, perform, said, write
from workbench.api import open_workspace
from workbench.errors import InputError
from workbench.prompts.classes import ClassSet
from workbench.worker import balance_job
from workbench.worker.control import Interrupted

SIZES = (90, 0, 140, 70)
CONCEPTS = concepts()


@pytest.fixture
def bench(tmp_path):
    with open_workspace(tmp_path / "space") as opened:
        opened.add_corpus("words", write(tmp_path / "files", *SIZES))
        yield opened


def counted(bench, **asked):
    return perform(bench, bench.submit_count("words", classes=ANIMALS, **asked))


def looped(texts, rule, cap, seed, of=CONCEPTS, **told):
    """Numbers that stay, and for each concept before, alone, expected, actual; with matched."""
    distinct, _, matched, _, where = plain.count(texts, of, rule, **told)
    drawn = np.random.Generator(np.random.PCG64(seed)).random(len(texts))
    keep = []
    for number in range(len(texts)):
        missed = 1.0
        for concept, captions in enumerate(where):
            if number in captions:
                missed *= 1 - min(1, cap / distinct[concept])
        keep.append(1 - missed)
    stay = [number for number in range(len(texts)) if drawn[number] < keep[number]]
    columns = {
        "before": distinct,
        "alone": [min(n, cap) for n in distinct],
        "expected": [sum(keep[i] for i in captions) for captions in where],
        "actual": [len(set(captions) & set(stay)) for captions in where],
    }
    return stay, columns, matched, sum(keep)


@pytest.mark.parametrize(("cap", "seed"), [(1, 0), (7.5, 3), (20, 1), (20, 2), (10_000, 0)])
@pytest.mark.parametrize("rule", ["words", "lemmas"])
def test_a_balance_is_what_a_plain_loop_keeps(bench, cap, seed, rule):
    texts, count = said(*SIZES), counted(bench, rule=rule)
    key = perform(bench, bench.submit_balance(count, cap, seed=seed))
    (run,) = bench.balances(count)
    stay, columns, matched, expected = looped(texts, rule, cap, seed)
    assert (run.key, run.cap, run.seed, run.count) == (key, cap, seed, count)
    assert run.names == ANIMALS.names and run.texts
    for name, wanted in columns.items():
        assert getattr(run.effective, name).tolist() == pytest.approx(wanted), name
    told = run.effective.captions, run.effective.matched, run.effective.kept
    assert told == (len(texts), matched, len(stay))
    assert run.effective.kept_expected == pytest.approx(expected)
    sample = bench.balance_sample(key)
    assert sample["caption"].to_pylist() == [texts[number] for number in stay]
    lines = [divmod(number, 2**32) for number in sample["number"].to_pylist()]
    starts = np.cumsum([0, *SIZES])
    assert [starts[shard] + line for shard, line in lines] == stay


def test_words_that_the_count_left_out_are_left_out(bench):
    zoo = ClassSet(("spotted cat", "newt", "dog"), synonyms=((), (), ("barking hound",)))
    unknown = {"rule": "lemmas", "options": {"skip_unknown": True}}
    count = perform(bench, bench.submit_count("words", classes=zoo, **unknown))
    skip = set(bench.workspace.runs.get(count).result["skip"])
    assert skip == {"spotted", "newt", "barking"}
    perform(bench, bench.submit_balance(count, 9))
    (run,) = bench.balances(count)
    _, columns, *_ = looped(said(*SIZES), "lemmas", 9, 0, concepts(zoo), skip=skip)
    assert run.effective.before.tolist() == columns["before"]
    assert run.effective.actual.tolist() == columns["actual"] and columns["actual"][0] > 0


def test_a_large_sample_keeps_numbers_alone(bench, monkeypatch):
    monkeypatch.setattr(balance_job, "MOST_TEXTS", 10)
    count = counted(bench)
    key = perform(bench, bench.submit_balance(count, 20))
    assert bench.balance_sample(key).column_names == ["number"]
    assert len(bench.balance_sample(key)) > 10 and not bench.balances(count)[0].texts


def test_broken_lines_are_left_out_of_both(tmp_path):
    path = tmp_path / "words.jsonl"
    path.write_text('{"caption": "a cat"}\n{"caption": \n{"caption": "a dog"}\n{"caption": ""}\n')
    with open_workspace(tmp_path / "space") as bench:
        bench.add_corpus("words", path)
        count = counted(bench)
        assert bench.count_run(count).found == 1
        key = perform(bench, bench.submit_balance(count, 5))
        assert bench.balance_sample(key).to_pydict() == {
            "number": [0, 2],
            "caption": ["a cat", "a dog"],
        }


def balanced(bench, count):
    """The sample and what it does to each concept, made anew."""
    key = perform(bench, bench.submit_balance(count, 8, seed=5))
    found = bench.balance_sample(key), bench.balances(count)[0].effective
    bench.workspace.runs.drop(key)
    return found


def test_the_parts_in_which_captions_are_read_change_nothing(bench, monkeypatch):
    count = counted(bench)
    sample, whole = balanced(bench, count)
    monkeypatch.setattr("workbench.longtail.corpus_files._BATCH", 7)
    again, cut = balanced(bench, count)
    assert again == sample
    for name in ("before", "alone", "expected", "actual"):
        assert getattr(cut, name).tolist() == pytest.approx(getattr(whole, name).tolist()), name


def test_stopped_and_asked_again(bench):
    count = counted(bench)
    with pytest.raises(Interrupted):
        perform(bench, bench.submit_balance(count, 8), Stopping(1))
    assert bench.balances(count) == ()
    key = perform(bench, bench.submit_balance(count, 8))
    assert perform(bench, bench.submit_balance(count, 8)) == key
    assert len(bench.balances(count)) == 1


def test_refused(bench, tmp_path):
    count = counted(bench)
    for cap in (0, -1, float("inf"), float("nan")):
        with pytest.raises(InputError, match="above 0"):
            bench.submit_balance(count, cap)
    with pytest.raises(InputError, match="from 0"):
        bench.submit_balance(count, 5, seed=-1)
    job = bench.submit_balance(count, 5)
    (tmp_path / "files" / "2.txt").write_text("a cat\n")
    with pytest.raises(InputError, match="as when it was counted"):
        perform(bench, job)
