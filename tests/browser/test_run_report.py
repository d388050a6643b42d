"""The report of a run in a browser without a network, opened as a file."""

from __future__ import annotations

import pytest

from tests.api.zero_shot_world import evaluate, fill
from workbench.api import open_workspace
from workbench.prompts.classes import ClassSet


@pytest.fixture
def report(tmp_path):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        nasty = ClassSet(("<img src=x onerror=hacked=1> cat", "dog", "fox"), ("cat", "dog", "fox"))
        key = evaluate(bench, classes=nasty)
        yield bench.write_zero_shot_report(key, tmp_path / "report.html")


def test_it_opens_offline_draws_its_charts_and_sorts_its_classes(chromium, report):
    context = chromium.new_context(offline=True)
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.goto(report.as_uri())
    page.locator(".plot .main-svg").first.wait_for()
    assert page.locator(".plot").count() == page.locator(".js-plotly-plot").count() == 5
    assert page.locator(".picture img").count() == 2
    shown = page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert shown and page.evaluate("window.hacked") is None

    names = page.locator("table.sort").first.locator("tbody tr td:first-child")
    accuracy = page.locator("table.sort").first.locator("th button", has_text="accuracy")
    accuracy.click()
    assert names.all_inner_texts()[0] == "fox"
    accuracy.click()
    assert names.all_inner_texts()[-1] == "fox"
    page.get_by_placeholder("Search").first.fill("DOG")
    assert names.locator("visible=true").count() == 2  # dog, and the class taken for it
    assert said == [] and [a for a in asked if not a.startswith("data:")] == [report.as_uri()]
    context.close()
