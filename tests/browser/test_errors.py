"""From the Overview to an explained failure, with a real model on the sample world."""

from __future__ import annotations

import re

import pytest

from tests.browser.test_walking import param


@pytest.fixture(scope="module")
def run(app) -> str:
    """A zero-shot run of the first sample model; its key."""
    job = app.bench.submit_zero_shot("test", "glyph-clip")
    app.bench.wait(job.id, timeout=300)
    return app.bench.zero_shot_runs("test")[0].key


def explained(page: object) -> None:
    """The decision is taken apart: its logits, the sum of the prompts, neighbours, other runs."""
    page.get_by_text("add up to its logit").wait_for()
    page.get_by_role("heading", name="Nearest images").wait_for()
    page.get_by_role("heading", name="Other runs").wait_for()


def test_one_click_from_the_overview_explains_a_mistake(visitor, run: str) -> None:
    page = visitor.open("")
    page.locator(".st-key-overview-mistakes .open").first.click()
    page.wait_for_url("**/errors?*")
    explained(page)
    assert param(page, "run") == run and param(page, "tab") == "Why"


def test_four_clicks_from_overview_over_errors_and_gallery_to_why(visitor, run: str) -> None:
    page = visitor.open("")
    page.locator("[data-testid=stSidebarNav]").get_by_role("link", name="Errors").click()
    page.get_by_role("tab", name="Gallery").click()
    page.locator(".st-key-gallery-grid .open").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(re.compile("1 of 48 in this list")).wait_for()
    visitor.settle()
    dialog.get_by_role("button", name="Why").first.click()
    explained(page)
    dialog.wait_for(state="detached")


def test_a_click_on_a_cell_of_the_matrix_shows_its_images(visitor, run: str) -> None:
    page = visitor.open(f"errors?run={run}&tab=Confusion&block=0-30-0-30")
    area = page.locator(".js-plotly-plot .nsewdrag").first
    area.wait_for()
    visitor.settle()
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 60, box["y"] + box["height"] / 60)
    page.wait_for_timeout(300)  # a click goes to the point that is hovered
    page.mouse.click(box["x"] + box["width"] / 60, box["y"] + box["height"] / 60)
    page.locator(".st-key-cell-grid").wait_for()
    first = visitor.app.bench.run_order(run)[0]
    assert param(page, "cell") == f"{first}-{first}"
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("!location.search.includes('cell=')")
