"""The Synonyms page: what it needs, each class by each of its names, and the most frequent ones."""

from __future__ import annotations

from tests.pages import longtail_world as made
from tests.pages.longtail_world import work_off
from tests.pages.seen import cells, charts, texts
from workbench.api import Workbench

GAIN = "Most frequent names"


def _metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_without_a_run_the_page_leads_to_one(bench, visit) -> None:
    app = visit("synonyms")
    assert not app.exception and not app.error
    assert "Nothing is evaluated yet" in texts(app)


def test_without_a_counting_a_button_makes_one(own_tail, visit, world) -> None:
    for count in own_tail.counts():
        own_tail.workspace.runs.drop(count.key)
    app = visit("synonyms", run=world.run)
    assert not app.exception and not app.error
    assert "is not counted with its synonyms" in texts(app)
    app.selectbox(key="synonyms.make.corpus").select("web").run()
    app.button(key="synonyms.make.count").click().run()
    assert not app.exception and not app.error
    work_off(own_tail)
    app = visit("synonyms", run=world.run)
    assert _metrics(app)["Classes with several names"] == "6"


def test_each_class_stands_with_its_most_frequent_name(tail: Workbench, visit, world) -> None:
    app = visit("synonyms", run=world.run, count=world.count)
    assert not app.exception and not app.error
    table = app.dataframe[0].value.set_index("class")
    report = tail.synonyms(world.run, world.count)
    said = {(report.concepts.names[row.concept], row.term): row for row in report.rows}
    for name, other in (("blue box", "blue square"), ("green box", "green square")):
        first, second = made.SYNONYM_COUNTS[name]
        assert table.loc[name, "most frequent name"] == other
        assert (table.loc[name, "captions"], table.loc[name, "its captions"]) == (first, second)
        assert table.loc[name, "accuracy"] == said[name, name].accuracy
        assert table.loc[name, "its accuracy"] == said[name, other].accuracy
    assert table.loc["yellow disc", "most frequent name"] == "yellow disc"
    assert _metrics(app)["Another name is more frequent"] == "2"
    assert "alone" in texts(app)


def test_a_class_shows_its_names_captions_and_images(tail: Workbench, visit, world) -> None:
    place = made.CLASSES.names.index("green box")
    app = visit(
        "synonyms",
        run=world.run,
        count=world.count,
        term="green square",
        **{"class": str(place)},
    )
    assert not app.exception and not app.error
    (line,) = charts(app)[0]["data"]
    assert sorted(line["customdata"]) == [[place, "green box"], [place, "green square"]]
    shown = texts(app)
    assert "one :orange-background[green square], number 0" in shown
    assert ":orange-background[green box]" not in shown
    rows = [cell["row"] for cell in cells(app)]
    assert {tail.item("things", row).columns["label"] for row in rows} == {"green square"}


def test_captions_show_as_they_are_written(tail, visit, world) -> None:
    app = visit("synonyms", run=world.run, count=world.count, **{"class": "0"})
    assert not app.exception and not app.error
    said = [str(element.value) for element in app.markdown if "red disc" in str(element.value)]
    assert any("\\<script\\>" in text and "\\*\\*bold\\*\\*" in text for text in said)


def test_a_button_asks_for_accuracy_by_synonym(own_tail: Workbench, visit, world) -> None:
    own_tail.workspace.runs.drop(world.synonyms)
    from pages.views import synonyms_spoken

    synonyms_spoken._found.clear()
    app = visit("synonyms", run=world.run, count=world.count)
    app.button(key="spoken.ask").click().run()
    assert not app.exception and not app.error
    work_off(own_tail)
    app = visit("synonyms", run=world.run, count=world.count)
    assert "Frequent name is the accurate one" in _metrics(app)


def test_the_gain_stands_with_its_interval_and_images(tail: Workbench, visit, world) -> None:
    app = visit("synonyms", run=world.run, count=world.count, tab=GAIN)
    assert not app.exception and not app.error
    gain = tail.frequent_names_gain(world.run, world.count)
    shown = _metrics(app)
    assert shown["Gain over all images"] == f"{gain.images.value:+.2f} points"
    before, after = (
        tail.zero_shot_run(key).measures["top1"] for key in (world.run, world.frequent)
    )
    assert abs(gain.images.value - 100 * (after.value - before.value)) < 1e-9
    assert shown["Classes renamed"] == "2"
    held = tail.compare(world.run, world.frequent)
    assert (shown["Fixed"], shown["Broken"]) == (str(len(held.fixed)), str(len(held.broken)))
    assert {cell["row"] for cell in cells(app)} <= set(held.fixed)
    called = app.dataframe[0].value.set_index("class")["called"]
    assert called["blue box"] == "blue square" and called["green box"] == "green square"


def test_one_click_uses_the_most_frequent_names(own_tail: Workbench, visit, world) -> None:
    own_tail.workspace.runs.drop(world.frequent)
    from pages.views import synonyms_gain

    synonyms_gain._found.clear()
    app = visit("synonyms", run=world.run, count=world.count, tab=GAIN)
    table = app.dataframe[0].value
    assert table["class"].to_list() == ["green box", "blue box"]
    assert table["its captions"].to_list() == [54, 11]
    app.button(key="gain.ask").click().run()
    assert not app.exception and not app.error
    work_off(own_tail)
    app = visit("synonyms", run=world.run, count=world.count, tab=GAIN)
    assert "Gain over all images" in _metrics(app)
