"""Corpora that name nothing, one class, or all classes equally often: no figure is invented."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.api.zero_shot_world import evaluate, fill
from tests.worker.corpus_world import perform
from workbench.api import open_workspace
from workbench.errors import InputError
from workbench.prompts.classes import ClassSet

PETS = ClassSet(("cat", "dog", "fox"), synonyms=(("kitten",), (), ()))
CORPORA = {"zero": "nothing\nhere\n", "one": "a cat\n", "same": "cat dog fox\n" * 3}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    root = tmp_path_factory.mktemp("bare")
    with open_workspace(root / "space") as opened:
        fill(opened, root / "images")
        opened.run = evaluate(opened, classes=PETS)
        opened.single = evaluate(opened, classes=ClassSet(("cat",)))
        for name, text in CORPORA.items():
            (root / f"{name}.txt").write_text(text)
            opened.add_corpus(name, root / f"{name}.txt")
            perform(opened, opened.submit_count(name, classes=PETS))
        opened.add_corpus("birds", root / "one.txt")
        perform(opened, opened.submit_count("birds", classes=ClassSet(("newt", "bird"))))
        yield opened


@pytest.fixture(params=[*CORPORA, "birds"])
def count(request, bench):
    (run,) = [each for each in bench.counts() if each.corpus == request.param]
    return run


POINTS = {"zero": 0, "one": 1, "same": 3, "birds": 0}
TRUE_ZEROS = {"zero": 3, "one": 2, "same": 0, "birds": 0}


def test_without_two_frequencies_there_is_no_line(bench, count):
    found = bench.tail(f"run:{bench.run}", f"count:{count.key}")
    assert found.fit.n == POINTS[count.corpus] and found.fit.zeros == TRUE_ZEROS[count.corpus]
    assert found.fit.absent == 3 - found.fit.n - found.fit.zeros
    for value in (found.fit.r.value, found.fit.slope.value, found.fit.p, found.needed.value):
        assert math.isnan(value)
    assert np.isnan(found.binned.r.value)
    assert len(found.match.unmatched) == found.fit.absent
    single = bench.tail(f"run:{bench.single}", f"count:{count.key}")
    assert math.isnan(single.fit.r.value) and single.fit.n <= 1


@pytest.mark.parametrize("covariate", ["name length", "nearest name", "caption length"])
def test_nor_a_partial_effect(bench, count, covariate):
    for run in (bench.run, bench.single):
        found = bench.tail_partial(f"run:{run}", f"count:{count.key}", [covariate])
        assert math.isnan(found.r.value) and math.isnan(found.slope.value)


def test_nor_a_power_law(bench, count):
    assert math.isnan(bench.corpus_zipf(f"count:{count.key}").rank_exponent)


def test_images_of_classes_without_a_count_stand_apart(bench, count):
    found = bench.tail_calibration(bench.run, f"count:{count.key}")
    assert found.n.sum() + found.absent == 7
    assert found.absent == (7 if count.corpus == "birds" else 0)
    assert found.n[0] == {"zero": 7, "one": 4}.get(count.corpus, 0)


def test_a_tail_set_needs_counts(bench, count, tmp_path):
    source = f"count:{count.key}"
    if count.corpus == "birds":
        for ask in (bench.rare_classes, lambda *a: bench.export_tail(*a, tmp_path / "tail")):
            with pytest.raises(InputError, match="0 concepts with a count"):
                ask(bench.run, source)
        assert not (tmp_path / "tail").exists()
    else:
        assert bench.rare_classes(bench.run, source).rare.n == 3
        assert bench.export_tail(bench.run, source, tmp_path / "tail").images == 7


def test_a_cap_that_is_offered_can_be_taken(bench, count):
    before = bench.counted(count.key).distinct
    for by in ("tail", "kept"):
        if not before.sum():
            with pytest.raises(InputError, match="none"):
                bench.balance_cap(count.key, 0.5, by=by)
            continue
        cap = bench.balance_cap(count.key, 0.5, by=by)
        perform(bench, bench.submit_balance(count.key, cap))
        assert bench.balances(count.key)[0].effective.before.tolist() == before.tolist()


def test_a_balance_of_nothing_keeps_nothing(bench):
    (zero,) = [each for each in bench.counts() if each.corpus == "zero"]
    key = perform(bench, bench.submit_balance(zero.key, 5))
    assert len(bench.balance_sample(key)) == 0
    found = bench.balances(zero.key)[0]
    assert (found.effective.captions, found.effective.kept, found.texts) == (2, 0, True)
