"""Caps for a counting, the rarest classes, and captions against images, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pages import longtail_world as made
from tests.pages import small_world
from workbench.errors import InputError


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    root = tmp_path_factory.mktemp("balance")
    with small_world.build(root / "space") as bench:
        yield bench, made.build(bench, root / "files")


def test_a_cap_is_reckoned_from_the_counts(things):
    bench, world = things
    counts = list(made.COUNTS.values())
    found = bench.balance_preview(world.count, 50)
    assert (found.cut, found.concepts, found.before) == (5, 12, sum(counts))
    assert found.after == sum(min(count, 50) for count in counts)
    assert found.tail == pytest.approx(sum(c for c in counts if c < 50) / sum(counts))
    for cap in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="above 0"):
            bench.balance_preview(world.count, cap)


def test_caps_by_share_keep_what_they_say(things):
    bench, world = things
    counts = np.array(list(made.COUNTS.values()))
    kept = bench.balance_cap(world.count, 0.5, by="kept")
    assert np.minimum(counts, kept).sum() == pytest.approx(0.5 * counts.sum())
    # from the rarest on: 0 2 7 16 30 55 95 159 269 449 749 1261; a fifth of all is 252
    assert bench.balance_cap(world.count, 0.2) == 110


def test_rare_classes_come_with_their_accuracy(things):
    bench, world = things
    found = bench.rare_classes(world.run, f"count:{world.count}", 3)
    names = sorted(made.COUNTS, key=made.COUNTS.__getitem__)
    rows = {row["name"]: row for row in bench.run_classes(world.run).to_pylist()}
    assert found.table["name"].to_pylist() == names[:3]
    assert found.table["captions"].to_pylist() == [0, 2, 5]
    assert found.table["images"].to_pylist() == [small_world.EACH] * 3
    expected = [100 * rows[name]["accuracy"] for name in names]
    assert found.table["accuracy"].to_pylist() == expected[:3]
    assert (found.rare.value, found.rare.n) == (pytest.approx(np.mean(expected[:3])), 3)
    assert (found.rest.value, found.rest.n) == (pytest.approx(np.mean(expected[3:])), 9)
    assert found.absent == 0 and "web" in found.label
    whole = bench.rare_classes(world.run, f"count:{world.count}", 99)
    assert whole.table["name"].to_pylist() == names and whole.rest.n == 0


def test_sides_are_those_of_captions_and_tags(things):
    bench, world = things
    found = bench.sides(world.own_count, world.run, 0.5)
    table = bench.workspace.predictions.table(bench.workspace.runs.get(world.run))
    truth = dict(zip(table["row"].to_pylist(), table["truth"].to_pylist(), strict=True))
    tags = {row: set() for row in truth}
    for row, top, sure in zip(
        *(table[name].to_pylist() for name in ("row", "top", "probabilities")), strict=True
    ):
        tags[row] = {c for c, p in zip(top, sure, strict=True) if p >= 0.5}
    # every caption names its own class and nothing else
    for place in range(len(made.CLASSES)):
        said = {row for row, c in truth.items() if c == place}
        shown = {row for row, seen in tags.items() if place in seen}
        assert found.of(place) == {
            "captions": tuple(sorted(said - shown)),
            "images": tuple(sorted(shown - said)),
            "both": tuple(sorted(said & shown)),
        }
    apart = [row for row, seen in sorted(tags.items()) if seen and truth[row] not in seen]
    assert list(found.apart) == apart and found.degree.apart == len(apart)
    assert found.named([0, 95]) == {0: (truth[0],), 95: (truth[95],)}
    with pytest.raises(InputError, match="probability"):
        bench.sides(world.own_count, world.run, 0.0)


def test_items_that_the_run_did_not_look_at_do_not_count(things):
    from workbench.filters import Filter

    bench, world = things
    job = bench.submit_zero_shot(
        "things",
        "alpha",
        classes=made.CLASSES,
        where=(Filter("colour", "in", ("red",)),),
        prompts=bench.prompt_set(bench.zero_shot_run(world.run).prompts_key),
    )
    made.work_off(bench)
    found = bench.sides(world.own_count, bench.job(job.id).result["run"], 0.5)
    assert found.degree.samples == found.degree.with_text == 3 * small_world.EACH
    assert found.degree.by_corpus == len(found.apart) / 24
