"""The long tail of the sample world, where the counts, the words and their rates are planted."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy import stats

import sample_data
from sample_data.train import bundle, evaluate
from tests.api import zero_shot_world
from tests.worker.corpus_world import perform
from workbench.api import Workbench, open_workspace
from workbench.prompts import builtin
from workbench.types import ModelInfo
from workbench.worker import zero_shot_job

STYLE, MODEL = "noto", "glyph-clip"
CLASSES = builtin.sample_classes()


class Encoder(zero_shot_world.Encoder):
    """Texts by the committed model."""

    def __init__(self, loaded):
        super().__init__()
        self.loaded = loaded

    def encode_texts(self, texts):
        return np.asarray(bundle.unit_texts(self.loaded, list(texts)), dtype=np.float32)


@dataclass(frozen=True)
class World:
    """A workspace with the images of the style that the model saw, and what was asked of it."""

    bench: Workbench
    encoder: Encoder
    count: str
    run: str

    def evaluated(self, job) -> str:
        """Run a zero-shot job here; its key."""
        claimed = self.bench.workspace.jobs.claim("test")
        control = zero_shot_world.Control(self.encoder)
        result = zero_shot_job.run(claimed, self.bench.workspace, control)
        self.bench.workspace.jobs.finish(job.id, "test", result)
        return result["run"]


@pytest.fixture(scope="module")
def concepts():
    return json.loads(sample_data.concepts_file().read_text("utf-8"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    loaded = bundle.load(sample_data.models_dir() / MODEL)
    with open_workspace(tmp_path_factory.mktemp("sample") / "space") as bench:
        embed(bench, loaded)
        encoder = Encoder(loaded)
        count = perform(bench, bench.submit_count("pretrain"))
        made = World(bench, encoder, count, "")
        job = bench.submit_zero_shot("test", MODEL, classes=CLASSES)
        yield World(bench, encoder, count, made.evaluated(job))


def embed(bench, loaded):
    """Dataset ``test``: the images of one style under what they truly show, and their vectors."""
    test = evaluate.read_test()
    chosen = [place for place, style in enumerate(test.styles) if style == STYLE]
    vectors = []
    with torch.inference_mode():
        for start in range(0, len(chosen), 256):
            images = [test.images[place] for place in chosen[start : start + 256]]
            pixels = torch.stack([loaded.preprocess(image) for image in images])
            vectors.append(loaded.model.encode_image(pixels, normalize=True).numpy())
    space = bench.workspace
    space.catalog.ensure_dataset("test", importer="test", source="", info={})
    items = {
        "item": [f"{place:05}" for place in chosen],
        "uri": ["not opened"] * len(chosen),
        "offset": [0] * len(chosen),
        "length": [-1] * len(chosen),
        "label": [test.names[test.labels[place]] for place in chosen],
    }
    none = pa.table({"item_index": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
    space.tables.append("test", pa.table(items), none)
    card = dict.fromkeys(ModelInfo.__dataclass_fields__)
    card |= {"key": "abcd1234", "name": MODEL, "arch": "glyph", "weights": "", "weights_sha256": ""}
    card |= {"dim": vectors[0].shape[1], "context_length": 32, "image_size": (64, 64)}
    card |= {"preprocess": {}, "tokenizer": {}, "precision": "fp32", "parameters": 1}
    card |= {"logit_scale": float(loaded.model.logit_scale.detach().exp())}
    space.catalog.add_model(ModelInfo(**card))
    space.vectors.write("test", "abcd1234", "image", 0, np.concatenate(vectors), dtype="float32")


def said(concept) -> str:
    """The word that captions were written to use most for a concept."""
    words = concept["pretrain_words"] or {concept["name"]: 1}
    return max(words, key=lambda word: (words[word], word == concept["name"]))


def test_counts_are_those_of_a_lookup_of_every_run_of_words(world):
    terms, owner = world.bench.counted(world.count).concepts.flat()
    places = {}
    for term, concept in zip(terms, owner.tolist(), strict=True):
        places.setdefault(tuple(re.findall(r"[a-z0-9]+", term.lower())), set()).add(concept)
    longest, seen = max(map(len, places)), Counter()
    texts = pq.read_table(sample_data.pretrain_captions(), columns=["caption"])["caption"]
    for caption in texts.to_pylist():
        words = re.findall(r"[a-z0-9]+", caption.lower())
        runs = (
            tuple(words[a:b])
            for a in range(len(words))
            for b in range(a + 1, min(a + longest, len(words)) + 1)
        )
        seen.update({concept for run in runs for concept in places.get(run, ())})
    counted = world.bench.counted(world.count).distinct
    assert [seen[place] for place in range(len(counted))] == counted.tolist()


def test_counts_are_the_planted_ones_but_for_words_within_words(world):
    with sample_data.pretrain_counts().open(encoding="utf-8", newline="") as file:
        planted = {row["name"]: int(row["count"]) for row in csv.DictReader(file)}
    counts = world.bench.counted(world.count)
    extra = {
        name: int(n) - planted[name]
        for name, n in zip(counts.concepts.names, counts.distinct, strict=True)
    }
    assert min(extra.values()) == 0 and sum(n == 0 for n in extra.values()) >= 600
    # the others also stand inside longer names, or are colours or sizes: "high-speed train"
    every = [term.replace("-", " ") for terms in counts.concepts.terms for term in terms]
    longer = [f" {size}{term} " for size in ("", "small ", "large ") for term in every]
    colours = {"orange", "yellow", "pink", "green", "blue", "red"}
    for terms, name in zip(counts.concepts.terms, counts.concepts.names, strict=True):
        if extra[name]:
            within = [f" {t.replace('-', ' ')} " for t in terms]
            inside = any(t in other and t != other for t in within for other in longer)
            assert inside or colours & set(terms), name
    assert counts.captions == counts.matched == 125_480  # every caption names what it shows


def test_each_word_is_counted_at_least_as_often_as_it_was_written(world, concepts):
    terms = world.bench.count_terms(world.count)
    counted = dict(zip(terms["term"].to_pylist(), terms["captions"].to_pylist(), strict=True))
    for concept in concepts:
        for word, times in concept["pretrain_words"].items():
            assert counted[word] >= times, word


def test_accuracy_follows_the_logarithm_of_the_count(world):
    found = world.bench.tail(f"run:{world.run}", f"count:{world.count}")
    counts, accuracy = found.frequency.counts, found.accuracies.accuracy
    line = stats.linregress(np.log10(counts), accuracy)
    assert found.fit.r.value == pytest.approx(line.rvalue)
    assert found.fit.slope.value == pytest.approx(line.slope)
    assert (found.fit.n, found.fit.zeros, found.fit.absent) == (791, 0, 0)
    assert found.fit.r.low > 0.5 and found.fit.slope.low > 25  # points a decade
    assert found.fit.p < 1e-60
    assert found.binned.r.value > 0.85 > found.fit.r.value  # binning raises r
    assert found.tails.tail.value < 20 < 75 < found.tails.head.value
    assert found.tails.tail.high < found.tails.middle.low
    assert found.tails.middle.high < found.tails.head.low
    assert 1.5 < found.needed.value < 3  # times the captions for ten points


def test_the_planted_counts_say_the_same_as_counting(world):
    """What is known to be shown against what captions are found to name."""
    with sample_data.pretrain_counts().open(encoding="utf-8", newline="") as file:
        planted = {row["name"]: int(row["count"]) for row in csv.DictReader(file)}
    found = world.bench.tail(f"run:{world.run}", f"count:{world.count}")
    true = np.array([planted[name] for name in found.frequency.names])
    line = stats.linregress(np.log10(true), found.accuracies.accuracy)
    assert line.rvalue > found.fit.r.value  # words within words blur it
    assert found.fit.slope.value == pytest.approx(line.slope, rel=0.15)


def test_rare_classes_are_the_overconfident_ones(world):
    found = world.bench.tail_calibration(world.run, f"count:{world.count}", bins=4)
    gap = found.confidence - found.accuracy
    assert gap[1] > 0.1 > gap[-1]
    assert found.n.sum() == world.bench.zero_shot_run(world.run).measures["top1"].n


def test_names_that_captions_use_are_found_and_gain(world, concepts):
    bench = world.bench
    chosen = dict(
        zip(CLASSES.names, bench.frequent_names(world.run, world.count).names, strict=True)
    )
    spoken = {each["name"]: said(each) for each in concepts if each["spoken"]}
    assert sum(chosen[name] == word for name, word in spoken.items()) >= 70  # of 74
    assert all(chosen[each["name"]] == each["name"] for each in concepts if not each["spoken"])
    key = world.evaluated(bench.submit_frequent_names(world.run, world.count))
    found = bench.frequent_names_gain(world.run, world.count)
    assert found.images.value > 0.6 and found.images.low > 0 and found.p < 0.05
    one, two = (bench.zero_shot_run(each).measures["top1"].value for each in (world.run, key))
    assert found.images.value == pytest.approx(100 * (two - one))
    renamed = [each.difference.value for each in found.per_class if each.renamed]
    others = [each.difference.value for each in found.per_class if not each.renamed]
    assert np.mean(renamed) > 10 > abs(np.mean(others))
    again = bench.tail(f"run:{key}", f"count:{world.count}")
    assert again.fit.absent == 0 and len(again.match.renamed) == len(renamed)


def test_the_name_said_more_often_is_the_one_that_works(world, concepts):
    bench = world.bench
    perform(bench, bench.submit_synonyms(world.run), zero_shot_world.Control(world.encoder))
    found = bench.synonyms(world.run, world.count)
    assert found.agreement.low > 0.6
    accuracy = {row.term: row.accuracy for row in found.rows}
    turned = [c for c in concepts if c["spoken"] and c["spoken"].get(c["name"], 0) <= 0.3]
    better = [accuracy[said(concept)] - accuracy[concept["name"]] for concept in turned]
    assert len(turned) >= 20 and np.mean(better) > 5


def test_a_balance_keeps_the_tail_and_thins_the_head(world):
    bench, cap = world.bench, 100
    perform(bench, bench.submit_balance(world.count, cap))
    (run,) = bench.balances(world.count)
    before, actual = run.effective.before, run.effective.actual
    assert before.tolist() == bench.counted(world.count).distinct.tolist()
    rare = before <= cap
    assert (actual[rare] == before[rare]).all() and rare.sum() > 300
    often = before > 2 * cap
    assert (actual[often] < before[often]).all() and often.sum() > 200
    assert run.effective.kept < run.effective.captions / 2
    assert run.effective.kept == pytest.approx(run.effective.kept_expected, rel=0.02)
