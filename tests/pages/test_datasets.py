"""Datasets: browse, report, import, delete."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.pages.seen import cells, charts, texts
from tests.pages.small_world import draw


def test_browse_shows_a_page_of_pictures(bench, visit) -> None:
    app = visit("datasets", dataset="shapes")
    assert not app.exception and not app.error
    shown = cells(app)
    assert len(shown) == 48
    assert shown[0]["title"] == "disc" and shown[0]["text"] == "red-disc-0.png"
    assert shown[0]["url"].startswith("/picture/shapes/0?size=192&v=")


def test_the_address_says_which_page_how_sorted_and_how_large(bench, visit) -> None:
    app = visit("datasets", dataset="shapes", page="2", sort="nth", desc="true", per="24")
    shown = cells(app)
    assert len(shown) == 24
    assert shown[0]["note"] == "nth: 5" and app.query_params["page"] == "2"


def test_filters_and_search_narrow_what_is_shown(bench, visit) -> None:
    app = visit("datasets", dataset="shapes", where='[["colour","in",["red","blue"]]]')
    assert "**48** of 96 items" in texts(app)
    app = visit("datasets", dataset="shapes", find="green-square")
    assert {cell["title"] for cell in cells(app)} == {"square"} and len(cells(app)) == 8


def test_a_chip_removes_its_filter(bench, visit) -> None:
    app = visit("datasets", dataset="shapes", where='[["colour","in",["red"]],["nth","<=",3]]')
    assert "**12** of 96 items" in texts(app)
    app.button(key="browse.chip.0").click().run()
    assert json.loads(app.query_params["where"]) == [["nth", "<=", 3]]
    app.button(key="browse.chip.0").click().run()
    assert "where" not in app.query_params and len(cells(app)) == 48


@pytest.mark.parametrize("where", ["[[", '[["gone","in",["x"]]]', "7"])
def test_a_link_with_useless_filters_still_opens(bench, visit, where: str) -> None:
    app = visit("datasets", dataset="shapes", where=where)
    assert not app.exception and not app.error and len(cells(app)) == 48


@pytest.mark.parametrize("params", [{"dataset": "gone"}, {"page": "99"}, {"page": "x"}])
def test_a_link_to_what_is_not_there_opens_what_is(bench, visit, params: dict[str, str]) -> None:
    app = visit("datasets", **({"dataset": "shapes"} | params))
    assert not app.exception and not app.error and cells(app)


def filter_by(app, column: str, change) -> None:
    """Open the filter menu (a click that this test cannot make), choose a column, change it."""
    for step in (
        lambda: None,
        lambda: app.selectbox(key="browse.column").select(column),
        change,
    ):
        step()
        app.session_state["browse.pop"] = True
        app.run()


def test_every_kind_of_column_is_filtered_by_its_own_widget(bench, visit) -> None:
    app = visit("datasets", dataset="shapes")
    filter_by(app, "colour", lambda: app.multiselect(key="browse.shapes.colour.in").select("red"))
    assert json.loads(app.query_params["where"]) == [["colour", "in", ["red"]]]
    filter_by(app, "nth", lambda: app.slider(key="browse.shapes.nth.range").set_range(2, 7))
    assert ["nth", ">=", 2] in json.loads(app.query_params["where"])
    assert len(cells(app)) == 18
    filter_by(app, "words", lambda: app.multiselect(key="browse.shapes.words.has").select("cross"))
    assert len(cells(app)) == 6
    gap = "browse.shapes.weight.gap"
    filter_by(app, "weight", lambda: app.button_group(key=gap).set_value("missing"))
    assert not app.exception and 0 < len(cells(app)) < 6
    filter_by(app, "round", lambda: app.button_group(key="browse.shapes.round.is").set_value(True))
    assert not app.exception and len(cells(app)) == 0


def test_the_report_counts_values_and_shows_what_lies_behind_a_bar(bench, visit) -> None:
    app = visit("datasets", dataset="shapes", tab="Report")
    assert not app.exception and not app.error
    assert {metric.label: metric.value for metric in app.metric}["Items"] == "96"
    (figure,) = charts(app)
    assert figure["data"][0]["type"] == "bar"
    assert "label: cross" in texts(app) and len(cells(app)) == 24
    app = visit("datasets", dataset="shapes", tab="Report", of="nth", picked='[["nth","=",3]]')
    assert "12 items" in texts(app)


def test_browse_these_carries_the_filter_over(bench, visit) -> None:
    app = visit("datasets", dataset="shapes", tab="Report")
    next(b for b in app.button if b.label == "Browse these").click().run()
    assert json.loads(app.query_params["where"]) == [["label", "in", ["cross"]]]
    assert len(cells(app)) == 32


def test_what_was_skipped_is_listed(bench, visit) -> None:
    app = visit("datasets", dataset="shapes", tab="Report")
    tables = [frame.value for frame in app.dataframe]
    (skipped,) = [table for table in tables if "reason" in table.columns]
    assert list(skipped["item"]) == ["<b>evil</b>.png", "broken.png"]


def test_a_dataset_is_deleted_once_its_name_is_typed(own, visit) -> None:
    app = visit("datasets", dataset="plain")
    app.session_state["delete"] = True
    app.run()
    button = next(b for b in app.button if b.label == "Delete for good")
    assert button.disabled
    app.text_input(key="delete.name").input("plain").run()
    next(b for b in app.button if b.label == "Delete for good").click().run()
    assert [info.name for info in own.datasets()] == ["shapes"]


def test_a_path_is_previewed_and_then_imported(own, visit, tmp_path: Path) -> None:
    folder = tmp_path / "my photos"
    for colour in ("red", "blue"):
        (folder / colour).mkdir(parents=True)
        (folder / colour / "one.png").write_bytes(draw(colour, "disc", 0))
    (folder / "blue" / "bad.png").write_bytes(b"no image")
    app = visit("datasets", tab="Import", path=str(folder))
    assert not app.exception and not app.error
    assert "Image folder: 3 items" in texts(app)
    pictures = cells(app, "strip")
    assert pictures[1]["url"].startswith("data:image/webp;base64,")
    assert not pictures[0]["url"] and pictures[0]["note"]
    assert app.text_input(key=f"name.{folder}").value == "my-photos"
    next(b for b in app.button if b.label == "Import").click().run()
    (job,) = own.jobs(("queued",))
    assert job.kind == "import" and job.params["dataset"] == "my-photos"
    assert "Import my photos as my-photos" in texts(app)


def test_a_path_that_is_not_there_is_explained(bench, visit, tmp_path: Path) -> None:
    app = visit("datasets", tab="Import", path=str(tmp_path / "none"))
    assert "Check the spelling" in app.error[0].value


def test_an_empty_workspace_offers_the_import(empty, visit) -> None:
    app = visit("datasets")
    assert not app.exception and not app.error
    assert "What can be imported" in texts(app)


def test_a_dataset_whose_files_went_still_opens(own, visit) -> None:
    shutil.rmtree(own.root / "media")
    app = visit("datasets", dataset="shapes")
    assert not app.exception and len(cells(app)) == 48
