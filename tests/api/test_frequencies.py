"""Frequencies and accuracies from tables of others, from runs and from countings."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.api import toys
from tests.api.zero_shot_world import Control, Encoder, evaluate, fill
from tests.worker.corpus_world import perform
from workbench.api import open_workspace
from workbench.errors import InputError, UnknownName
from workbench.longtail.reference import reference_fit
from workbench.prompts.classes import ClassSet
from workbench.worker import zero_shot_job

COUNTS = """benchmark,pretraining,method,concept,count
b1,laion:400m,words,cat,100
b1,laion:400m,words,dog,10
b1,laion:400m,words,fox,0
b1,laion:400m,words,newt,
b:2,laion:400m,50% words,cat,7
"""
ACCURACIES = """benchmark,prompts,backbone,pretrained,concept,accuracy
b1,seven: all,ViT-B/32,laion:400m,cat,80.5
b1,seven: all,ViT-B/32,laion:400m,dog,40
b1,seven: all,ViT-B/32,laion:400m,fox,
"""
PETS = ClassSet(("cat", "dog", "fox"))


@pytest.fixture
def bench(tmp_path):
    (tmp_path / "counts.csv").write_text(COUNTS)
    (tmp_path / "accuracies.csv").write_text(ACCURACIES)
    with open_workspace(tmp_path / "space") as opened:
        fill(opened, tmp_path / "images")
        yield opened


def test_published_counts_are_read_once_and_told_apart(bench, tmp_path):
    table = bench.add_published(tmp_path / "counts.csv")
    assert (table.name, table.rows) == ("counts.csv", 5)
    assert table.columns == ("pretraining", "method", "benchmark")
    assert table.groups == (("laion:400m", "50% words", "b:2"), ("laion:400m", "words", "b1"))
    assert bench.add_published(tmp_path / "counts.csv") == table
    assert bench.published_tables() == (table,) and bench.published_tables(accuracies=True) == ()
    found = {source.title: source for source in bench.frequency_sources()}
    assert set(found) == {"laion:400m · words · b1", "laion:400m · 50% words · b:2"}
    assert {source.kind for source in found.values()} == {"published"}
    frequency = bench.frequency(found["laion:400m · words · b1"].key)
    assert frequency.names == ("cat", "dog", "fox", "newt")
    assert frequency.counts[:3].tolist() == [100, 10, 0] and np.isnan(frequency.counts[3])
    assert (frequency.zeros, frequency.absent) == (("fox",), ("newt",))
    assert (frequency.corpus, frequency.rule) == ("laion:400m", "words")
    assert bench.frequency(found["laion:400m · 50% words · b:2"].key).counts.tolist() == [7]


def test_published_accuracies(bench, tmp_path):
    table = bench.add_published(tmp_path / "accuracies.csv", accuracies=True)
    assert table.columns == ("pretrained", "backbone", "prompts", "benchmark")
    (source,) = [each for each in bench.accuracy_sources() if each.kind == "published"]
    found = bench.accuracies(source.key)
    assert found.title == source.title == "laion:400m · ViT-B/32 · seven: all · b1"
    assert found.names == ("cat", "dog", "fox") and found.benchmark == "b1"
    assert found.accuracy[:2].tolist() == [80.5, 40] and np.isnan(found.accuracy[2])
    assert found.images is None and found.run == ""


def test_a_table_is_forgotten_and_its_source_with_it(bench, tmp_path):
    table = bench.add_published(tmp_path / "counts.csv")
    key = bench.frequency_sources()[0].key
    bench.remove_published(table.key)
    assert bench.frequency_sources() == () and bench.published_tables() == ()
    with pytest.raises(UnknownName):
        bench.frequency(key)
    with pytest.raises(UnknownName):
        bench.remove_published(table.key)
    run = evaluate(bench)
    bench.remove_published(run)  # not a table: it stays
    assert bench.zero_shot_run(run).key == run


def test_a_changed_file_is_another_table(bench, tmp_path):
    first = bench.add_published(tmp_path / "counts.csv")
    with (tmp_path / "counts.csv").open("a") as file:
        file.write("b3,cc3m,words,cat,1\n")
    assert bench.add_published(tmp_path / "counts.csv").key != first.key
    assert len(bench.published_tables()) == 2


def test_files_that_are_no_such_table(bench, tmp_path):
    (tmp_path / "bare.csv").write_text("concept,count\ncat,1\n")
    (tmp_path / "less.csv").write_text(COUNTS.replace("100", "-100"))
    (tmp_path / "much.csv").write_text(ACCURACIES.replace("80.5", "180.5"))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="'benchmark' is missing"):
        bench.add_published(tmp_path / "bare.csv")
    with pytest.raises(InputError, match="'cat'"):
        bench.add_published(tmp_path / "less.csv")
    with pytest.raises(InputError, match="0 to 100"):
        bench.add_published(tmp_path / "much.csv", accuracies=True)
    for name in ("none.csv", "broken.parquet"):
        with pytest.raises(InputError):
            bench.add_published(tmp_path / name)
    assert bench.published_tables() == ()


def test_counts_in_the_authors_json(bench, tmp_path):
    name = "cifar10_cc3m_lemmatized_search_counts.json"
    (tmp_path / name).write_text(json.dumps({"airplane": 5, "cat": 0}))
    assert bench.add_published(tmp_path / name).groups == (("cc3m", "lemmatized", "cifar10"),)
    metrics = {
        "0": {
            "name": "tench",
            "alternates": {"tench": 3, "Tinca": 4},
            "most_common_name": "Tinca",
            "actual_freq": 6,
            "relevant_total": 2,
        }
    }
    path = tmp_path / "synonym_frequency_imagenet_laion400m.json"
    path.write_text(json.dumps(metrics))
    assert len(bench.add_published(path).groups) == 2
    sources = {each.title: each.key for each in bench.frequency_sources()}
    assert bench.frequency(sources["laion400m · phrases · imagenet"]).counts.tolist() == [6]
    relevant = bench.frequency(sources["laion400m · phrases-relevant · imagenet"])
    assert relevant.counts.tolist() == [2] and relevant.relevance and relevant.synonyms


def test_accuracies_of_a_run_are_percent_of_its_labels(bench):
    key = evaluate(bench)
    (source,) = bench.accuracy_sources()
    assert (source.key, source.kind) == (f"run:{key}", "run")
    found = bench.accuracies(source.key)
    assert found.names == ("cat", "dog", "fox") and found.benchmark == "pets"
    assert found.accuracy.tolist() == pytest.approx([200 / 3, 200 / 3, 100])
    assert found.images.tolist() == [3, 3, 1] and found.run == key


def test_classes_without_images_have_no_accuracy(bench):
    key = evaluate(bench, classes=ClassSet(("cat", "dog", "fox", "hound")))
    found = bench.accuracies(f"run:{key}")
    assert np.isnan(found.accuracy[3]) and found.images.tolist() == [3, 3, 1, 0]


def test_images_that_a_run_tags(bench):
    # softmax of 10 x cosine: b (.8, .6) is a cat at 0.88, c (.6, .8) a dog at 0.88, the rest surer
    key = evaluate(bench)
    found = bench.frequency(f"images:{key}:0.9")
    assert found.names == ("cat", "dog", "fox") and found.counts.tolist() == [2, 3, 1]
    assert "0.9" in found.rule and found.corpus == "pets"
    assert bench.frequency(f"images:{key}:0.5").counts.sum() == 8
    assert bench.frequency(f"images:{key}:0.1").counts.tolist() == [4, 5, 1]  # b and c are both
    for wrong in ("0", "1.5", "nan", "much", ""):
        with pytest.raises(InputError, match="probability"):
            bench.frequency(f"images:{key}:{wrong}")


@pytest.mark.parametrize(
    "source", ["", "nonsense", "count:x", "images:x:0.5", "published:x:a:b:c", "published", "run:x"]
)
def test_sources_that_are_not_there(bench, source):
    with pytest.raises(UnknownName):
        bench.frequency(source)


@pytest.mark.parametrize("source", ["", "run:x", "published:x:a:b:c:d", "count:x"])
def test_accuracies_that_are_not_there(bench, source):
    with pytest.raises(UnknownName):
        bench.accuracies(source)


def test_a_counting_is_a_source(bench, tmp_path):
    (tmp_path / "web.txt").write_text("a cat\na cat\na dog\n")
    bench.add_corpus("web", tmp_path / "web.txt")
    key = perform(bench, bench.submit_count("web", classes=PETS))
    (source,) = bench.frequency_sources()
    assert (source.key, source.kind) == (f"count:{key}", "counted")
    found = bench.frequency(source.key)
    assert found.counts.tolist() == [2, 1, 0] and found.zeros == ("fox",)
    assert source.title == bench.count_run(key).label


def test_the_reference_fit_of_two_tables(bench, tmp_path):
    rng = np.random.default_rng(0)
    counts = ["benchmark,pretraining,method,concept,count"]
    accuracies = ["benchmark,prompts,backbone,pretrained,concept,accuracy"]
    for place in range(40):
        counts.append(f"cifar100,cc3m,lemmatized,c{place},{int(2 ** (place / 3))}")
        accuracies.append(f"cifar100,class,RN50,cc3m,c{place},{place + rng.random():.4f}")
    for name, lines in (("a.csv", counts), ("b.csv", accuracies)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    one = bench.add_published(tmp_path / "a.csv").key
    two = bench.add_published(tmp_path / "b.csv", accuracies=True).key
    (row,) = bench.reference(one, two)
    assert (row.n, row.missing, row.backbone, row.pretraining) == (40, 0, "RN50", "cc3m")
    tables = bench._published(one), bench._published(two)
    assert (row,) == reference_fit(*tables)
    assert bench.reference(one, two, backbone="RN50", prompts="class") == (row,)


def test_captions_against_images_of_a_dataset(tmp_path):
    class Fruits(Encoder):
        def encode_texts(self, texts):
            return toys.unit([toys.TEXTS[next(w for w in toys.TEXTS if w in t)] for t in texts])

    (tmp_path / "images").mkdir()
    classes = ClassSet(("apple", "pear", "car"), ("photo", "line", "none"))
    with open_workspace(tmp_path / "space") as bench:
        toys.fill(bench, tmp_path / "images")
        count = perform(bench, bench.submit_count("toys", classes=classes))
        run = labelled_run(bench, Fruits(), classes)
        # captions: apple-1 apple, apple-2 apple, pear pear, car car, blank nothing.
        # images at 0.5: apple-1, apple-2 apple; pear (.6, .8) is a pear; car car; blank is even
        found = bench.misalignment(count, run, 0.5)
        assert found.text.tolist() == [2, 1, 1] and found.samples == 5
        assert found.integrated.tolist() == [2, 1, 1] and found.apart == 0
        assert (found.with_text, found.by_index) == (4, 0.0)
        other = perform(bench, bench.submit_count("toys", classes=ClassSet(("apple", "pear"))))
        with pytest.raises(InputError, match="'2 concepts', got '3 concepts'"):
            bench.misalignment(other, run)
        bench.save_class_set("fruit", classes)
        with pytest.raises(InputError, match="got 'fruit'"):
            bench.misalignment(other, run)


def labelled_run(bench, encoder, classes):
    """A run on the toys; their style stands for a label, which the tags do not look at."""
    job = bench.submit_zero_shot("toys", "toy", classes=classes, label="style")
    claimed = bench.workspace.jobs.claim("test")
    result = zero_shot_job.run(claimed, bench.workspace, Control(encoder))
    bench.workspace.jobs.finish(job.id, "test", result)
    return result["run"]
