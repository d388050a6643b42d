from __future__ import annotations

import json

from workbench.plots import classes
from workbench.reports.markup import element
from workbench.reports.page import figure_box, page


def drawn(box):
    return json.loads(box.split("application/json")[1][2:].split("</script>")[0])


def test_no_trace_needs_webgl_and_nothing_clickable_is_carried_along():
    box = figure_box(classes.rank_accuracy(["a", "<b>"], [0.5, 1.0]), "t<", "n>")
    (trace,) = drawn(box)["data"]
    assert trace["type"] == "scatter" and trace["mode"] == "markers" and "customdata" not in trace
    assert "<b>t&lt;</b> n&gt;</figcaption>" in box and "height:220px" in box


def test_many_points_become_a_line():
    many = classes.rank_accuracy(["c"] * 3000, [0.5] * 3000)
    assert drawn(figure_box(many, ""))["data"][0]["mode"] == "lines"
    assert many.data[0].mode == "markers"  # the figure itself stays as it is


def test_a_page_allows_its_own_scripts_only():
    text = page("<t>", element("p", "a & b")).decode("utf-8")
    assert text.startswith("<!doctype html>") and "<title>&lt;t&gt;</title>" in text
    assert text.count("<script>") == 2 and text.count("sha256-") == 2
    assert "<p>a &amp; b</p>" in text
    assert page("<t>") == page("<t>")
