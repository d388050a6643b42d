"""Accuracy against frequency through the whole API, on numbers that can be checked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tests.api.zero_shot_world import evaluate, fill
from tests.worker.corpus_world import perform
from workbench.api import open_workspace
from workbench.errors import InputError, UnknownName
from workbench.prompts.classes import ClassSet

# concept, captions, accuracy: 10 points a decade with a residue, a true zero, one without a count
ROWS = (
    ("ant", 1, 10.0),
    ("bee", 10, 25.0),
    ("cow", 100, 30.0),
    ("dog", 1000, 45.0),
    ("eel", 10_000, 50.0),
    ("fly", 0, 5.0),
    ("gnu", None, 33.0),
)


def write(path, header, rows):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def bench(tmp_path):
    counts = [f"b,web,words,{name},{n}" for name, n, _ in ROWS if n is not None]
    accuracies = [f"b,p,m,web,{name},{a}" for name, _, a in ROWS]
    header = "benchmark,pretraining,method,concept,count"
    one = write(tmp_path / "counts.csv", header, [*counts, "b,web,words,gnus,7"])
    header = "benchmark,prompts,backbone,pretrained,concept,accuracy"
    two = write(tmp_path / "accuracies.csv", header, accuracies)
    with open_workspace(tmp_path / "space") as opened:
        opened.add_published(one)
        opened.add_published(two, accuracies=True)
        opened.scored_in = opened.accuracy_sources()[0].key
        opened.counted_in = opened.frequency_sources()[0].key
        yield opened


def test_the_lines_by_scipy(bench):
    found = bench.tail(bench.scored_in, bench.counted_in, bins=5)
    x, y = np.arange(5.0), np.array([10, 25, 30, 45, 50.0])
    line = stats.linregress(x, y)
    assert found.fit.slope.value == pytest.approx(line.slope) == pytest.approx(10)
    assert found.fit.intercept == pytest.approx(line.intercept) == pytest.approx(12)
    assert found.fit.r.value == pytest.approx(line.rvalue)
    assert found.fit.p == pytest.approx(line.pvalue)
    assert (found.fit.rho, found.fit.n) == (pytest.approx(1), 5)
    assert (found.fit.zeros, found.fit.absent) == (1, 1)
    assert found.fit.slope.low <= 10 <= found.fit.slope.high
    # one class a bin: the bins have the same line, at their middles
    assert found.bins.n.tolist() == [1] * 5 and found.bins.mean.tolist() == y.tolist()
    assert found.binned.r.value == pytest.approx(line.rvalue)
    assert found.bins.zero.value == 5 and found.bins.zero.n == 1
    assert found.needed.value == pytest.approx(10)  # 10 points a decade, 10 points wanted


def test_names_that_do_not_match_are_listed_with_suggestions(bench):
    found = bench.tail(bench.scored_in, bench.counted_in)
    (missing,) = found.match.unmatched
    assert (missing.name, missing.suggestions) == ("gnu", ("gnus",))
    assert [each.name for each in found.match.unused] == ["gnus"]
    assert found.frequency.absent == ("gnu",)
    told = bench.tail(bench.scored_in, bench.counted_in, renames={"gnu": "gnus"})
    assert told.match.renamed == (("gnu", "gnus"),) and told.match.unmatched == ()
    assert told.frequency.counts[6] == 7 and told.fit.n == 6
    for wrong in ({"gnu": "nothing"}, {"nobody": "gnus"}):
        with pytest.raises(UnknownName):
            bench.tail(bench.scored_in, bench.counted_in, renames=wrong)


def test_head_middle_and_tail(bench):
    # six classes of known count, the rarest first: fly, ant, bee, cow, dog, eel
    shares = bench.tail(bench.scored_in, bench.counted_in, low=1 / 3, high=2 / 3).tails
    means = (shares.tail.value, shares.middle.value, shares.head.value, shares.overall.value)
    assert means == pytest.approx((7.5, 27.5, 47.5, 27.5))
    counts = bench.tail(bench.scored_in, bench.counted_in, low=10, high=10_000, by="count").tails
    assert (counts.tail.value, counts.head.value) == (7.5, 50)
    assert counts.middle.value == pytest.approx(100 / 3)
    moved = bench.tail_groups(bench.scored_in, bench.counted_in, low=1 / 3, high=2 / 3)
    assert (moved.tail, moved.head) == (shares.tail, shares.head)
    with pytest.raises(InputError):
        bench.tail_groups(bench.scored_in, bench.counted_in, low=0.9, high=0.1)


def test_ten_times_the_captions_move_the_line_alone(bench, tmp_path):
    many = [f"b,big,words,{name},{10 * n}" for name, n, _ in ROWS if n is not None]
    header = "benchmark,pretraining,method,concept,count"
    bench.add_published(write(tmp_path / "many.csv", header, many))
    (key,) = [s.key for s in bench.frequency_sources() if s.title.startswith("big")]
    one, two = bench.tail(bench.scored_in, bench.counted_in), bench.tail(bench.scored_in, key)
    assert two.fit.slope.value == pytest.approx(one.fit.slope.value)
    assert two.fit.r.value == pytest.approx(one.fit.r.value)
    assert two.fit.intercept == pytest.approx(one.fit.intercept - one.fit.slope.value)
    assert two.needed.value == pytest.approx(one.needed.value)


def test_how_much_more_for_another_gain(bench):
    found = bench.tail(bench.scored_in, bench.counted_in, gain=5)
    assert found.needed.value == pytest.approx(math.sqrt(10))
    by_class, by_bin = found.times_more(20)
    assert by_class.value == pytest.approx(100)
    assert by_bin.value == pytest.approx(10 ** (20 / found.binned.slope.value))
    with pytest.raises(InputError):
        found.times_more(0)


def test_bins_that_make_no_sense(bench):
    with pytest.raises(InputError):
        bench.tail(bench.scored_in, bench.counted_in, bins=0)


def test_zipf_of_a_source(bench, tmp_path):
    rows = [f"b,zipf,words,w{r},{round(1e6 / r)}" for r in range(1, 200)]
    header = "benchmark,pretraining,method,concept,count"
    bench.add_published(write(tmp_path / "zipf.csv", header, rows))
    (key,) = [s.key for s in bench.frequency_sources() if s.title.startswith("zipf")]
    assert bench.corpus_zipf(key).rank_exponent == pytest.approx(1, abs=0.01)


def test_the_authors_rename_is_made(bench, tmp_path):
    header = "benchmark,prompts,backbone,pretrained,concept,accuracy"
    rows = ["cifar10,p,m,web,plane,50", "cifar10,p,m,web,cat,40"]
    bench.add_published(write(tmp_path / "a.csv", header, rows), accuracies=True)
    header = "benchmark,pretraining,method,concept,count"
    rows = ["cifar10,web,words,airplane,9", "cifar10,web,words,cat,4"]
    bench.add_published(write(tmp_path / "c.csv", header, rows))
    (one,) = [s.key for s in bench.accuracy_sources() if "cifar10" in s.title]
    (two,) = [s.key for s in bench.frequency_sources() if "cifar10" in s.title]
    found = bench.tail(one, two)
    assert found.frequency.counts.tolist() == [9, 4]
    assert found.match.renamed == (("plane", "airplane"),)


PETS = ClassSet(("cat", "dog", "fox"), synonyms=((), ("hound",), ()))


@pytest.fixture
def pets(tmp_path):
    """The pets with 100 captions of cats, 10 of hounds, one of a fox."""
    lines = ["a cat here"] * 100 + ["a small hound"] * 10 + ["one very red fox"]
    (tmp_path / "web.txt").write_text("\n".join(lines))
    with open_workspace(tmp_path / "space") as opened:
        fill(opened, tmp_path / "images")
        opened.add_corpus("web", tmp_path / "web.txt")
        opened.run = evaluate(opened, classes=PETS)
        opened.count = perform(opened, opened.submit_count("web", classes=PETS))
        yield opened


def test_a_run_against_a_counting(pets):
    found = pets.tail(f"run:{pets.run}", f"count:{pets.count}")
    assert found.frequency.counts.tolist() == [100, 10, 1]
    assert found.accuracies.accuracy.tolist() == pytest.approx([200 / 3, 200 / 3, 100])
    line = stats.linregress([2, 1, 0], found.accuracies.accuracy)
    assert found.fit.slope.value == pytest.approx(line.slope) and found.fit.n == 3
    assert found.needed.value == math.inf  # the line falls: no amount of data helps
    assert (found.fit.absent, found.match.unmatched) == (0, ())


def test_a_class_by_another_name_keeps_its_captions(pets):
    hounds = evaluate(pets, classes=pets.frequent_names(pets.run, pets.count))
    found = pets.tail(f"run:{hounds}", f"count:{pets.count}")
    assert found.frequency.names == ("cat", "hound", "fox")
    assert found.frequency.counts.tolist() == [100, 10, 1]
    assert found.match.renamed == (("hound", "dog"),) and found.match.unmatched == ()
    tagged = pets.tail(f"run:{hounds}", f"images:{pets.run}:0.9")
    assert tagged.frequency.counts.tolist() == [2, 3, 1]


def test_calibration_by_frequency(pets):
    found = pets.tail_calibration(pets.run, f"count:{pets.count}", bins=2)
    # edges 1, 10, 100: the fox alone, then dogs and cats
    assert found.n.tolist() == [0, 1, 6] and found.classes.tolist() == [0, 1, 2]
    assert found.accuracy[1:].tolist() == pytest.approx([1, 4 / 6]) and found.absent == 0
    table = pets.workspace.predictions.table(pets.workspace.runs.get(pets.run))
    rest = [
        confidence
        for confidence, truth in zip(
            table["confidence"].to_pylist(), table["truth"].to_pylist(), strict=True
        )
        if truth in (0, 1)
    ]
    assert found.confidence[2] == pytest.approx(np.mean(rest))
    assert pets.tail_kinds(pets.run, f"count:{pets.count}", bins=2) is None  # not reviewed


def test_what_may_be_held_fixed(pets):
    run, count = f"run:{pets.run}", f"count:{pets.count}"
    scored, _, match = pets._joined(run, count, None)
    lengths = pets._covariate("caption length", scored, count, match)
    assert lengths.tolist() == [3, 3, 4]
    near = pets._covariate("nearest name", scored, count, match)
    assert near.tolist() == pytest.approx([0, 0, 0], abs=1e-6)  # cat, dog and fox stand square
    assert pets._covariate("name length", scored, count, match).tolist() == [1, 1, 1]
    with pytest.raises(UnknownName):
        pets.tail_partial(run, count, ["depth"])
    with pytest.raises(UnknownName):
        pets.tail_partial("run:nothing", count)


def test_partial_effects_by_least_squares(bench, tmp_path):
    rng = np.random.default_rng(4)
    names = ["x " * (place % 3) + f"c{place}" for place in range(30)]
    counts = rng.integers(1, 10_000, 30)
    accuracy = np.clip(
        5 * np.log10(counts) + 3 * (np.arange(30) % 3) + rng.normal(30, 2, 30), 0, 100
    )
    header = "benchmark,pretraining,method,concept,count"
    rows = [f"p,web,words,{n},{c}" for n, c in zip(names, counts, strict=True)]
    bench.add_published(write(tmp_path / "c.csv", header, rows))
    header = "benchmark,prompts,backbone,pretrained,concept,accuracy"
    rows = [f"p,q,m,web,{n},{a:.6f}" for n, a in zip(names, accuracy, strict=True)]
    bench.add_published(write(tmp_path / "a.csv", header, rows), accuracies=True)
    (one,) = [s.key for s in bench.accuracy_sources() if s.title.endswith("· p")]
    (two,) = [s.key for s in bench.frequency_sources() if s.title.endswith("· p")]
    found = bench.tail_partial(one, two, ["name length"])
    design = np.column_stack([np.ones(30), np.log10(counts), np.arange(30) % 3 + 1])
    beta, *_ = np.linalg.lstsq(design, accuracy, rcond=None)
    assert found.slope.value == pytest.approx(beta[1], abs=1e-4)
    with pytest.raises(InputError, match="a run made here"):
        bench.tail_partial(one, two, ["nearest name"])
    with pytest.raises(InputError, match="a counting made here"):
        bench.tail_partial(one, two, ["caption length"])
