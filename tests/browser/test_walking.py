"""What only a browser sees: clicks on pictures, arrow keys, links, charts, files saved."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse


def param(page: object, name: str) -> str:
    return parse_qs(urlparse(page.url).query).get(name, [""])[0]


def test_a_click_opens_the_item_and_arrow_keys_walk(visitor) -> None:
    page = visitor.open("datasets?dataset=shapes")
    page.locator(".root.grid .open").nth(2).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("3 of 48 in this list").wait_for()
    visitor.settle()  # the keys work once the dialog is drawn to its end
    assert param(page, "item") == "shapes/2"
    page.keyboard.press("ArrowRight")
    dialog.get_by_text("4 of 48 in this list").wait_for()
    page.keyboard.press("ArrowLeft")
    dialog.get_by_text("3 of 48 in this list").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    page.wait_for_function("!location.search.includes('item=')")


def test_the_grid_is_walked_and_opened_from_the_keyboard(visitor) -> None:
    page = visitor.open("datasets?dataset=shapes")
    cells = page.locator(".root.grid .open")
    cells.first.focus()
    across = page.locator(".root.grid .cells").evaluate(
        "e => getComputedStyle(e).gridTemplateColumns.split(' ').length"
    )
    for key in ("ArrowRight", "ArrowDown", "End", "ArrowRight", "Home", "ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_text(f"{across + 1} of 48 in this list").wait_for()


def test_a_link_reopens_the_same_view(visitor) -> None:
    page = visitor.open("datasets?dataset=shapes")
    page.get_by_role("searchbox", name="Find").fill("square")
    page.keyboard.press("Enter")
    page.get_by_text("32 of 96 items").wait_for()
    page.get_by_role("radio", name="L", exact=True).click()
    page.locator(".root.grid.large").wait_for()
    shown = page.locator(".root.grid .text").all_inner_texts()
    again = visitor.context.new_page()
    again.goto(page.url)
    again.locator(".root.grid.large .cell").first.wait_for()
    assert again.locator(".root.grid .text").all_inner_texts() == shown
    assert again.get_by_role("searchbox", name="Find").input_value() == "square"


def test_the_link_is_copied(visitor) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.open("datasets?dataset=shapes")
    page.locator(".root.grid .cell").first.wait_for()
    page.get_by_role("button", name="Copy link to this view").click()
    page.get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_find_similar_goes_to_a_search_by_that_item(visitor) -> None:
    page = visitor.open("datasets?dataset=shapes")
    page.locator(".root.grid .cell").nth(5).hover()
    page.locator(".root.grid .similar").nth(5).click()
    page.wait_for_url("**/retrieval?*")
    page.locator(".root.grid .cell").first.wait_for()
    assert param(page, "like") == "shapes/5"


def test_a_click_on_the_histogram_shows_the_images_of_that_bar(visitor) -> None:
    page = visitor.open("retrieval?dataset=shapes&like=shapes/30&models=alpha")
    bars = page.locator(".js-plotly-plot .bars .point path")
    bars.first.wait_for()
    box = bars.last.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_text("Only the scores of the chosen bar").wait_for()
    visitor.settle()
    ranks = page.locator(".root.grid .rank").all_inner_texts()
    assert 0 < len(ranks) <= 8 and ranks[0] == "1"
    assert param(page, "bin").startswith("alpha/")


def test_a_figure_is_saved_as_svg_and_png(visitor, tmp_path: Path) -> None:
    page = visitor.open("retrieval?dataset=shapes&like=shapes/30&models=alpha")
    page.locator(".js-plotly-plot .bars .point").first.wait_for()
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        page.get_by_role("button", name="Export").click()  # saving has closed it
        with page.expect_download() as download:
            page.get_by_role("button", name=kind, exact=True).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.suffix == f".{kind.lower()}" and path.read_bytes().startswith(start)


def test_a_table_is_saved_as_csv(visitor, tmp_path: Path) -> None:
    page = visitor.open("datasets?dataset=shapes&find=square")
    page.get_by_text("32 of 96 items").wait_for()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "t.csv")
    lines = (tmp_path / "t.csv").read_text("utf-8").splitlines()
    assert re.match(r"row,item,", lines[0]) and sum("square" in line for line in lines[1:]) >= 32
