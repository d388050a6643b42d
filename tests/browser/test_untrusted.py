"""Captions, file names, labels and column names from a person's files show as they are written."""

from __future__ import annotations

import json
from urllib.parse import quote

from tests.pages.small_world import NASTY, ODD


def harmless(page: object) -> None:
    """Nothing of it became code, markup, formula, icon or link."""
    assert page.evaluate("window.hacked") is None
    main = page.locator("[data-testid=stApp]")
    for what in (".katex", "a[href^='javascript']", "script:has-text('hacked')"):
        assert main.locator(what).count() == 0, what


def test_in_the_item_dialog(visitor) -> None:
    for row, text in enumerate(NASTY):
        page = visitor.open(f"datasets?dataset=shapes&item=shapes/{row}")
        page.get_by_role("dialog").get_by_text(text, exact=True).first.wait_for()
        harmless(page)


def test_in_the_list_of_texts(visitor) -> None:
    page = visitor.open("retrieval?dataset=shapes&like=shapes/0&target=Texts&models=alpha")
    page.locator(".root.list .text").first.wait_for()
    shown = page.locator(".root.list .text").all_inner_texts()
    assert set(NASTY) <= set(shown)
    harmless(page)


def test_in_filters(visitor) -> None:
    where = json.dumps([[ODD, "in", list(NASTY[1:2])]])
    page = visitor.open(f"datasets?dataset=shapes&where={quote(where)}")
    page.get_by_text("1 of 96 items").wait_for()
    chip = page.locator(".st-key-browse-chips button").first
    words = " ".join(chip.inner_text().replace("\u2060", "").split())
    assert words.startswith(f"{ODD}: **bold** $x^2$ :material/home: :red[red] [link]"), words
    harmless(page)


def test_in_charts(visitor) -> None:
    page = visitor.open(f"datasets?dataset=shapes&tab=Report&of={quote(ODD)}")
    page.locator(".js-plotly-plot .bars .point").first.wait_for()
    ticks = " ".join(page.locator(".js-plotly-plot .ytick").all_text_contents())
    assert "<script>" in ticks and "**bold**" in ticks
    harmless(page)


def test_in_an_error(visitor) -> None:
    page = visitor.open(f"datasets?tab=Import&path={quote('/none/<img src=x onerror=alert(1)>')}")
    page.get_by_text("Check the spelling of the path").wait_for()
    assert "<img src=x onerror=alert(1)>" in page.locator("[data-testid=stAlert]").inner_text()
    harmless(page)
