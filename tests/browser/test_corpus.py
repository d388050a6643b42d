"""The Corpus page in a browser: charts are doors, captions stay text, a count appears by itself."""

from __future__ import annotations

import time

import pytest

from tests.browser.test_untrusted import harmless
from tests.browser.test_walking import param
from tests.pages.small_world import NASTY
from workbench.prompts.classes import ClassSet


@pytest.fixture(scope="module")
def count(app) -> str:
    """A counting of words that stand in nasty captions; its key."""
    words = ClassSet(("window", "bold", "html", "disc", "red"))
    job = app.bench.submit_count("shapes", classes=words)
    return str(app.bench.wait(job.id, timeout=300).result["run"])


def test_captions_show_as_they_are_written(visitor, count: str) -> None:
    for concept, text in enumerate(NASTY):
        page = visitor.open(f"corpus?count={count}&concept={concept}")
        page.get_by_role("heading", name=("window", "bold", "html")[concept]).wait_for()
        box = page.locator(".st-key-concept-captions")
        box.wait_for()
        shown = " ".join(box.inner_text().replace("\u2060", "").split())
        assert " ".join(text.split()) in shown, shown
        harmless(page)


def test_a_bar_leads_to_the_neighbour_and_the_link_keeps_it(visitor, count: str) -> None:
    page = visitor.open(f"corpus?count={count}&concept=3")
    page.get_by_role("heading", name="disc").wait_for()
    bar = page.locator(".js-plotly-plot .bars .point path").first
    bar.wait_for()
    visitor.settle()
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_role("heading", name="red").wait_for()
    assert param(page, "concept") == "4"
    again = visitor.context.new_page()
    again.goto(page.url)
    again.get_by_role("heading", name="red").wait_for(timeout=60_000)


def test_a_count_is_asked_for_and_appears_when_it_is_done(visitor, count: str) -> None:
    page = visitor.open(f"corpus?count={count}&concept=3")
    page.get_by_role("button", name="New count").click()
    page.get_by_text("Exact phrase", exact=True).click()
    page.get_by_role("button", name="Count in shapes").click()
    deadline = time.monotonic() + 120
    while visitor.app.bench.counts()[0].rule != "phrases" and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    page.get_by_role("button", name="Cancel").wait_for(state="detached")
    page.get_by_role("heading", name="Countings").first.wait_for()
    page.get_by_role("tab", name="Concepts").click()
    page.get_by_text("Rule: Word sequence").wait_for()
