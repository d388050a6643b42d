"""Points and diamonds of the frequency page are doors, with a real model and real counts."""

from __future__ import annotations

import pytest

from tests.browser.test_walking import param

_PLACE = """([trace, nth]) => {
    const plot = document.querySelector('.js-plotly-plot');
    const drawn = plot._fullData[trace], {xaxis, yaxis} = plot._fullLayout;
    const box = plot.getBoundingClientRect();
    return [box.x + xaxis._offset + xaxis.c2p(drawn.x[nth]),
            box.y + yaxis._offset + yaxis.c2p(drawn.y[nth]), drawn.customdata[nth][0]];
}"""


@pytest.fixture(scope="module")
def asked(app) -> str:
    """The address of a run of the first sample model against the sample's captions."""
    jobs = [app.bench.submit_zero_shot("test", "glyph-clip"), app.bench.submit_count("pretrain")]
    for job in jobs:
        app.bench.wait(job.id, timeout=300)
    run, count = (app.bench.job(job.id).result["run"] for job in jobs)
    return f"frequency?accuracy=run:{run}&frequency=count:{count}"


def test_a_diamond_lists_its_classes_and_a_point_opens_its_class(visitor, asked: str) -> None:
    page = visitor.open(asked)
    chosen = int(visitor.click_point(_PLACE, [1, 4])[2])
    page.get_by_role("button", name="All classes").wait_for()
    assert param(page, "bin") == str(chosen)
    visitor.settle()
    visitor.click_point(_PLACE, [0, 500])
    ways = page.get_by_role("radiogroup", name="Show")
    ways.wait_for()
    index = int(param(page, "class"))
    run = asked.partition("run:")[2].partition("&")[0]
    name = visitor.app.bench.run_classes(run)["name"][index].as_py()
    page.get_by_role("heading", name=name).wait_for()
    ways.get_by_role("radio", name="Captions").click()
    page.get_by_text("The first captions of the corpus that name it").wait_for()
