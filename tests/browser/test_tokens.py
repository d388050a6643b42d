"""Patches, words and the wall of an expert are doors, with a real mixture and a real recording."""

from __future__ import annotations

import re

import pytest

from tests.browser.test_walking import param

_PLACE = """([plot, nth]) => {
    const found = document.querySelectorAll('.js-plotly-plot')[plot];
    const points = found._fullData[found._fullData.length - 1], {xaxis, yaxis} = found._fullLayout;
    found.scrollIntoView({block: 'center'});
    const box = found.getBoundingClientRect();
    return [box.x + xaxis._offset + xaxis.c2p(points.x[nth]),
            box.y + yaxis._offset + yaxis.c2p(points.y[nth])];
}"""
_LEGEND = ".js-plotly-plot .legendtoggle"


@pytest.fixture(scope="module")
def recorded(app) -> str:
    """Key of the recording that the first start makes of the sample's mixture."""
    jobs = [job for job in app.bench.jobs(limit=1000) if job.kind == "record-routing"]
    job = next(job for job in jobs if "glyph-limoe on" in job.title)
    app.bench.wait(job.id, timeout=600)
    return str(app.bench.job(job.id).result["run"])


def test_a_patch_a_word_and_a_neighbour_are_walked_by_clicks(visitor, recorded: str) -> None:
    page = visitor.open(f"tokens?recording={recorded}&image=5")
    visitor.click_point(_PLACE, [0, 19])
    page.get_by_role("heading", name="The way of the patch in row 3, column 4").wait_for()
    assert param(page, "token") == "image-19"
    found = visitor.app.bench.input_tokens(recorded, 5)
    word = found.text.words[1]
    visitor.click_point(_PLACE, [2, 1], figure=2)  # behind the grids of both blocks
    shown = re.compile(f"The way of the word 2:.*{re.escape(word)}")  # no colon starts an icon
    page.get_by_role("heading", name=shown).wait_for()
    assert param(page, "token") == "text-1"
    visitor.click_point(_PLACE, [1, 19], figure=1)
    page.get_by_role("heading", name="The way of the patch in row 3, column 4").wait_for()
    layer, expert = found.layers[-1], int(found.image.experts[-1, 19, 0])
    best = visitor.app.bench.top_patches(recorded, layer, expert, n=1)[0]
    visitor.settle()
    page.locator(".root.small .cell .open").first.click()
    for part in (f"image={best.row}&", f"token=image-{best.position}"):  # one after the other
        page.wait_for_function("part => `${location.search}&`.includes(part)", arg=part)


def test_the_legend_hides_an_expert(visitor, recorded: str) -> None:
    page = visitor.open(f"tokens?recording={recorded}&image=5")
    page.locator(_LEGEND).first.wait_for()
    visitor.settle()
    page.locator(_LEGEND).first.click()
    page.wait_for_function(
        "document.querySelector('.js-plotly-plot')._fullData[0].visible === 'legendonly'"
    )
