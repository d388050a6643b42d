"""The item dialog: what it shows, walking, tags, notes, neighbours."""

from __future__ import annotations

from tests.pages.seen import cells, texts
from tests.pages.small_world import NASTY


def test_a_link_to_an_item_opens_its_dialog(bench, visit) -> None:
    app = visit("datasets", dataset="shapes", item="shapes/30")
    assert not app.exception and not app.error
    assert "a green disc number 6" in texts(app) and "31 of 96 in the dataset" in texts(app)
    table = next(f.value for f in app.dataframe if list(f.value.columns) == ["column", "value"])
    assert dict(zip(table["column"], table["value"], strict=True))["colour"] == "green"


def test_captions_show_as_they_are_written(bench, visit) -> None:
    app = visit("datasets", item="shapes/0")
    assert NASTY[0] in [text.value for text in app.text]


def test_buttons_walk_to_the_neighbours_in_the_list(bench, visit) -> None:
    app = visit("datasets", item="shapes/30")
    app.button(key="item.Next").click().run()
    assert app.query_params["item"] == "shapes/31"
    app.button(key="item.Previous").click().run()
    app.button(key="item.Previous").click().run()
    assert app.query_params["item"] == "shapes/29"


def test_the_ends_of_the_list_are_ends(bench, visit) -> None:
    assert visit("datasets", item="shapes/0").button(key="item.Previous").disabled
    assert visit("datasets", item="shapes/95").button(key="item.Next").disabled


def test_tags_and_notes_are_kept(own, visit) -> None:
    app = visit("datasets", item="shapes/30")
    name = own.item("shapes", 30).item
    app.text_area(key="item.note.shapes.30").input(" blurred ").run()
    assert own.note("shapes", name) == "blurred"
    own.add_tag("shapes", "red-disc-0.png", "odd")
    app = visit("datasets", item="shapes/30")
    app.multiselect(key="item.tags.shapes.30").select("odd").run()
    assert own.tags("shapes", name) == ("odd",)
    app.multiselect(key="item.tags.shapes.30").unselect("odd").run()
    assert own.tags("shapes", name) == ()


def test_neighbours_are_alike_and_leave_the_item_out(bench, visit) -> None:
    app = visit("datasets", item="shapes/30")
    near = cells(app, "strip")
    assert len(near) == 14 and all(cell["row"] != 30 for cell in near)
    assert {cell["row"] for cell in near[:7]} == {24, 25, 26, 27, 28, 29, 31}


def test_an_item_that_is_not_there_is_explained(bench, visit) -> None:
    app = visit("datasets", item="shapes/4000")
    assert "row of" in app.error[0].value.lower()
    assert cells(app)


def test_find_similar_leaves_a_page_whose_widgets_hold_the_address(bench, visit) -> None:
    app = visit("datasets", dataset="shapes", per="24", find="square", item="shapes/8")
    next(b for b in app.button if b.label == "Find similar").click().run()
    assert not app.exception and not app.error
    assert app.title[0].value == "Retrieval"
    assert app.query_params["like"] == "shapes/8" and app.query_params["dataset"] == "shapes"
    assert app.selectbox(key="dataset").value == "shapes"
    assert "item" not in app.query_params and cells(app)
