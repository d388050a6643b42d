"""The world of the long tail holds what it says, so that other tests may rely on it."""

from __future__ import annotations

from tests.pages import longtail_world as made
from tests.pages.longtail_world import World
from workbench.api import Workbench


def test_counts_are_those_that_were_written(tail: Workbench, world: World) -> None:
    table = tail.count_concepts(world.count)
    assert dict(zip(*(table[c].to_pylist() for c in ("name", "captions")), strict=True)) == (
        made.COUNTS
    )
    info = tail.count_run(world.count)
    assert (info.captions, info.empty, info.found) == (made.LINES, made.EMPTY, made.PROBLEMS)
    assert info.matched == sum(made.COUNTS.values()) - 20
    assert tail.count_together(world.count, 0).to_pylist() == [
        {"concept": 1, "name": made.PAIR[1], "captions": 20}
    ]
    assert tail.count_terms(world.count, 0)["alone"].to_pylist()[0] == made.ALONE


def test_accuracy_follows_frequency(tail: Workbench, world: World) -> None:
    report = tail.tail(f"run:{world.run}", f"count:{world.count}")
    assert report.fit.r.low > 0.5
    assert (report.fit.n, report.fit.zeros, report.fit.absent) == (11, 1, 0)
    gain = tail.frequent_names_gain(world.run, world.count)
    assert gain is not None
    assert gain.images.value > 0
