"""Corpora and their counts, worked out by hand."""

from __future__ import annotations

import pytest

from tests.worker.corpus_world import perform
from workbench.api import open_workspace
from workbench.errors import InputError, UnknownName
from workbench.prompts.classes import ClassSet

LINES = ("a cat", "the kitten and a dog", "", "Dogs bark", "a dog, a CAT and a fox", "nothing")
PETS = ClassSet(("cat", "dog", "fox", "newt"), synonyms=(("kitten",), ("hound",), (), ()))


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "web.txt"
    found.write_text("\n".join(LINES))
    return found


@pytest.fixture
def bench(tmp_path, path):
    with open_workspace(tmp_path / "space") as opened:
        opened.add_corpus("web", path)
        yield opened


def count(bench, corpus="web", classes=PETS, **asked):
    return perform(bench, bench.submit_count(corpus, classes=classes, **asked))


def test_what_was_counted(bench):
    key = count(bench)
    concepts = bench.count_concepts(key).to_pydict()
    assert concepts["captions"] == [3, 2, 1, 0]
    assert concepts["most_frequent"] == ["cat", "dog", "fox", "newt"]
    terms = bench.count_terms(key).to_pydict()
    assert terms["term"] == ["cat", "kitten", "dog", "hound", "fox", "newt"]
    assert terms["captions"] == [2, 1, 2, 0, 1, 0]
    assert terms["alone"] == [1, 0, 0, 0, 0, 0]  # only the first caption names one animal
    assert bench.count_terms(key, 1)["term"].to_pylist() == ["dog", "hound"]
    run = bench.count_run(key)
    assert (run.captions, run.matched, run.empty, run.found) == (6, 3, 1, 0)
    assert (run.concepts, run.synonyms, run.corpus, run.rule) == (4, True, "web", "words")
    assert run.label == "web · words · with synonyms" and run.current and run.pairs_complete
    assert bench.counts() == (run,)
    counts = bench.counted(key)
    assert counts.distinct.tolist() == [3, 2, 1, 0] and counts.alone.tolist() == terms["alone"]
    assert counts.most_frequent() == tuple(concepts["most_frequent"])


def test_what_stands_together(bench):
    key = count(bench)
    assert bench.count_together(key, 0).to_pydict() == {
        "concept": [1, 2],
        "name": ["dog", "fox"],
        "captions": [2, 1],
    }
    assert bench.count_together(key, 0, limit=1)["name"].to_pylist() == ["dog"]
    alone = bench.count_together(key, 3)
    assert len(alone) == 0 and str(alone.schema.field("name").type) == "string"


def test_examples_are_marked_where_they_stand(bench, path):
    key = count(bench)
    found = bench.count_examples(key, 0)
    assert [each.text for each in found] == ["a cat", LINES[1], LINES[4]]
    marked = [[each.text[a:b] for a, b in each.spans] for each in found]
    assert marked == [["cat"], ["kitten"], ["CAT"]]
    assert [each.where for each in found] == [f"{path}:1", f"{path}:2", f"{path}:5"]
    assert {each.item for each in found} == {-1}
    assert len(bench.count_examples(key, 0, limit=2)) == 2
    assert bench.count_examples(key, 3) == ()


def test_examples_of_a_name_with_an_unknown_word_are_marked_too(bench):
    spotted = ClassSet(("spotted dog",))
    key = count(bench, classes=spotted, rule="lemmas", options={"skip_unknown": True})
    found = bench.count_examples(key, 0)
    assert [[e.text[a:b] for a, b in e.spans] for e in found] == [["dog"], ["Dogs"], ["dog"]]


@pytest.mark.parametrize("concept", [-1, 4])
def test_a_concept_that_is_not_there(bench, concept):
    key = count(bench)
    for ask in (bench.count_examples, bench.count_together):
        with pytest.raises(InputError, match="from 0 to 3"):
            ask(key, concept)


def test_a_run_of_another_kind_is_no_counting(bench):
    balance = perform(bench, bench.submit_balance(count(bench), 5))
    for key in (balance, "nothing"):
        with pytest.raises(UnknownName):
            bench.count_run(key)


def test_counts_outlive_their_corpus(bench, path):
    key = count(bench)
    bench.remove_corpus("web")
    assert [each.name for each in bench.corpora() if each.kind == "files"] == []
    assert not bench.count_run(key).current
    assert bench.counted(key).distinct.tolist() == [3, 2, 1, 0]
    assert [each.text for each in bench.count_examples(key, 2)] == [LINES[4]]
    bench.add_corpus("web", path)
    assert bench.count_run(key).current
    path.unlink()
    assert not bench.count_run(key).current
    assert bench.count_examples(key, 2)[0].where == "web, caption 4"


def test_a_count_of_changed_files_is_not_current(bench, path):
    key = count(bench)
    path.write_text("a newt\n")
    assert not bench.count_run(key).current
    again = count(bench)
    assert again != key and bench.counted(again).distinct.tolist() == [0, 0, 0, 1]
    assert [run.current for run in bench.counts()] == [True, False]


def test_corpora_are_added_once(bench, path, tmp_path):
    assert bench.add_corpus("web", str(path)).paths == (str(path),)
    (tmp_path / "other.txt").write_text("x")
    with pytest.raises(InputError, match="free"):
        bench.add_corpus("web", tmp_path / "other.txt")
    bench.workspace.catalog.ensure_dataset("bare", importer="t", source="s", info={})
    for name in ("pretrain", "bare"):  # the sample's, and a dataset without captions
        with pytest.raises(InputError, match="free"):
            bench.add_corpus(name, path)
    with pytest.raises(InputError):
        bench.add_corpus("none", tmp_path / "none.txt")
    with pytest.raises(InputError):
        bench.add_corpus("picture", tmp_path / "picture.png")
    assert [each.name for each in bench.corpora()] == ["pretrain", "web"]


def test_columns_are_found_named_or_refused(bench, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("url,alt,words\nx,a cat,a dog\n")
    bench.add_corpus("found", table)
    assert bench.corpus_preview("found") == ("a cat",)
    assert bench.add_corpus("named", table, "words").column == "words"
    assert bench.corpus_preview("named") == ("a dog",)
    bench.add_corpus("numbered", table, "3")
    assert bench.corpus_preview("numbered")[-1] == "a dog"
    with pytest.raises(InputError, match="url, alt, words"):
        bench.add_corpus("wrong", table, "captions")


def test_a_folder_and_a_preview_across_files(bench, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.txt").write_text("three\nfour\n")
    (folder / "a.jsonl").write_text('{"caption": "one"}\n{"caption": \n{"caption": "two"}\n')
    (folder / "notes.md").write_text("not captions")
    bench.add_corpus("folder", folder)
    assert bench.corpus_preview("folder") == ("one", "two", "three", "four")
    assert bench.corpus_preview("folder", limit=3) == ("one", "two", "three")
    bench.add_corpus("pattern", str(folder / "*.txt"))
    assert bench.corpus_preview("pattern") == ("three", "four")
    with pytest.raises(UnknownName):
        bench.corpus_preview("nothing")


def test_what_cannot_be_asked(bench):
    for asked, error in (
        ({"rule": "magic"}, UnknownName),
        ({"options": {"no such": 1}}, InputError),
        ({"corpus": "nothing"}, UnknownName),
    ):
        with pytest.raises(error):
            bench.submit_count(**{"corpus": "web", **asked})
    assert bench.jobs() == ()


def test_without_classes_the_sample_is_counted(bench):
    run = bench.count_run(count(bench, classes=None))
    assert run.concepts == 791


def test_a_class_set_keeps_its_name(bench):
    bench.save_class_set("my pets", PETS)
    job = bench.submit_count("web", classes=PETS)
    assert job.title == "Count my pets in web (Word sequence)"
    assert bench.count_run(perform(bench, job)).classes_name == "my pets"
