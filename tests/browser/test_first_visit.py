"""The first visit of a new workspace: the page that the link names, apples first, no network."""

from __future__ import annotations

import pytest

from pages import PAGES
from workbench.filters import Filter


def titles(page: object, grid: str = ".root.grid") -> list[str]:
    found: list[str] = []
    while not found:  # between two looks the grid may be drawn anew
        page.locator(f"{grid} .title").first.wait_for()
        found = page.locator(f"{grid} .title").all_inner_texts()
    return found


HEADINGS = {"overview": "Workbench", "zero_shot": "Zero-shot"}
"""Pages whose heading is not their title in the sidebar."""


@pytest.mark.parametrize("card", PAGES[::-1], ids=lambda card: card.module)
def test_a_link_opens_its_page_and_nothing_leaves_this_machine(visitor, card) -> None:
    title = HEADINGS.get(card.module, card.title)
    page = visitor.open(card.module if card.module != "overview" else "")
    page.get_by_role("heading", name=title, exact=True).wait_for()
    visitor.settle()
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.locator("[data-testid=stSidebarNav] a").count() == len(PAGES)


def test_a_red_apple_brings_apples_first(visitor) -> None:
    page = visitor.open("")
    page.get_by_role("button", name="a red apple").click()
    page.wait_for_url("**/retrieval?*")
    found = titles(page)
    assert found[:3].count("red apple") >= 2, found[:5]
    assert "q=a+red+apple" in page.url and "dataset=test" in page.url


def test_an_image_brings_the_same_thing_first(visitor) -> None:
    where = (Filter("concept", "=", "red apple"), Filter("style", "=", "noto"))
    of_noto = visitor.app.bench.items("test", where)
    labels = of_noto["label"].to_pylist()  # one label in fifty is planted wrong
    page = visitor.open(f"retrieval?dataset=test&like=test/{of_noto['row'][0].as_py()}")
    assert titles(page)[0] in labels


def test_pictures_arrive_in_the_browser(visitor) -> None:
    page = visitor.open("retrieval?dataset=test&q=a+red+apple")
    page.locator(".root.grid img").first.wait_for()
    image = page.locator(".root.grid img").first.element_handle()
    page.wait_for_function("img => img.complete && img.naturalWidth > 0", arg=image)


def test_typing_a_query_changes_the_address_and_its_link_reopens_the_results(visitor) -> None:
    page = visitor.open("retrieval?dataset=test")
    box = page.get_by_role("searchbox", name="Look for")
    box.fill("a pizza")
    box.press("Enter")
    page.wait_for_url("**q=a+pizza**")
    page.locator(".root.grid .title", has_text="pizza").first.wait_for()
    found = titles(page)
    page.goto(page.url)
    assert titles(page) == found
