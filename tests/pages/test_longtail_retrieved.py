"""Retrieved images: from the captions of another dataset to head and tail, in two clicks."""

from __future__ import annotations

from tests.pages import evaluated, longtail_world
from tests.pages.seen import cells, texts
from workbench.prompts.classes import ClassSet

SHAPES = ClassSet(("disc", "square", "cross"))


def test_captions_are_counted_images_learned_from_and_parts_compared(own_tail, visit) -> None:
    run = evaluated.evaluate(own_tail, classes=SHAPES)
    asked = {"tab": "Retrieved images", "run": run}
    app = visit("tail", **asked)
    assert not app.exception and not app.error
    assert "were not counted in the captions" in texts(app)
    app.button(key="retrieve.count.things").click().run()
    count = longtail_world.work_off(own_tail)["run"]
    app = visit("tail", each="20", **asked)
    assert not app.exception and not app.error
    app.button(key="retrieve.ask").click().run()
    (job,) = own_tail.jobs(("queued",))
    assert job.params["retrieve"] == {"count": count, "each": 20}
    other = longtail_world.work_off(own_tail)["run"]
    app = visit("tail", each="20", **asked)
    assert not app.exception and not app.error
    assert "images of things were learned from" in texts(app)
    rows = next(d.value for d in app.dataframe if "after" in d.value.columns)
    tails = own_tail.tail(f"run:{other}", f"count:{count}").tails
    assert rows["after"][3].startswith(f"{tails.overall.value:.1f}% (")
    found = own_tail.compare(run, other)
    assert f"{100 * found.difference.value:+.2f} points" in texts(app)
    assert [cell["row"] for cell in cells(app)] == list(found.fixed[:24])


def test_without_another_dataset_with_captions_it_leads_to_the_import(own, visit) -> None:
    run = evaluated.evaluate(own)
    app = visit("tail", tab="Retrieved images", run=run)
    assert not app.exception and not app.error
    shown = texts(app)
    named = {info.name for info in own.corpora() if info.kind == "dataset"} - {"shapes"}
    assert ("No other dataset has captions" in shown) == (not named)
