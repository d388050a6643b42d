"""The Zero-shot section: asking for a run, its figures, its errors, and two runs compared."""

from __future__ import annotations

import pytest

from tests.pages.evaluated import evaluate, work_off
from tests.pages.seen import cells, charts, texts
from workbench.api import Workbench


@pytest.fixture
def run(own: Workbench) -> str:
    """A run of alpha on ``shapes`` with mistakes; its key."""
    return evaluate(own)


@pytest.mark.parametrize("module", ["errors", "compare"])
def test_without_a_run_a_page_says_where_to_make_one(bench, visit, module: str) -> None:
    app = visit(module)
    assert not app.exception and not app.error
    assert "Nothing is evaluated yet" in texts(app)


def test_an_empty_workspace_leads_to_the_import(empty, visit) -> None:
    assert "nothing to evaluate on" in texts(visit("zero_shot"))


def test_the_button_asks_for_the_run_that_the_form_describes(own, visit) -> None:
    app = visit("zero_shot", dataset="shapes", model="beta", head="Mean of similarities")
    assert not app.exception and not app.error
    app.button(key="evaluate").click().run()
    (job,) = own.jobs(("queued",))
    model = own.model("beta").key
    assert (job.params["model"], job.params["head"]) == (model, "similarity")
    assert job.params["label"] == "label"
    work_off(own)
    shown = texts(visit("zero_shot", dataset="shapes"))
    assert "beta · Mean of similarities · photo" in shown


def test_class_problems_are_said_before_the_run(own, visit) -> None:
    from workbench.prompts.classes import ClassSet

    key = own.save_class_set("odd", ClassSet(("disc", "disc", "moon"), ("disc", "square", "moon")))
    app = visit("zero_shot", dataset="shapes", classes=key)
    shown = texts(app)
    assert "2 classes are called 'disc'" in shown
    assert "No class has the label 'cross'" in shown and "No image has the label" in shown


def test_edited_classes_become_a_set_of_their_own(own, visit) -> None:
    app = visit("zero_shot", dataset="shapes")
    assert "3 classes: cross, disc, square" in texts(app)
    app.session_state["classes.edit"] = True
    app.run()
    app.text_area[0].set_value("disc | circle\ncross => saltire").run()
    app.button(key="classes.use").click().run()
    assert not app.exception and not app.error
    ((key, name),) = own.class_sets()
    assert (name, app.query_params["classes"]) == ("my classes", key)
    made = own.class_set(key)
    assert made.names == ("disc", "saltire") and made.labels == ("disc", "cross")
    assert "No class has the label 'square'" in texts(app)


def test_figures_stand_with_their_interval_and_groups(own, visit, run: str) -> None:
    app = visit("zero_shot", dataset="shapes", run=run)
    assert not app.exception and not app.error
    rows = next(d.value for d in app.dataframe if "top-1" in d.value.columns)
    top1 = own.zero_shot_run(run).measures["top1"]
    assert rows["top-1"][0].startswith(f"{top1.value:.1%} (") and rows["images"][0] == 96
    (groups,) = charts(app)
    assert groups["data"][0]["customdata"]
    assert "are mistaken" in texts(app)


def test_a_group_shows_its_own_mistakes(own, visit, run: str) -> None:
    app = visit("zero_shot", dataset="shapes", run=run, by="colour", group="blue")
    assert {own.item("shapes", cell["row"]).columns["colour"] for cell in cells(app)} == {"blue"}


def test_the_classes_stand_in_a_table_and_one_is_open(own, visit, run: str) -> None:
    app = visit("errors", run=run)
    assert not app.exception and not app.error
    assert app.dataframe[0].value["name"].to_list() == ["disc", "square", "red"]
    app = visit("errors", run=run, **{"class": "2"})
    assert {own.item("shapes", cell["row"]).columns["label"] for cell in cells(app)} == {"cross"}
    assert all(not cell["marked"] for cell in cells(app))


def test_another_name_shows_what_it_would_do(own, visit, run: str) -> None:
    app = visit("errors", run=run, **{"class": "2"})
    app.text_input(key=f"rename.{run}.2").set_value("cross").run()
    assert not app.exception and not app.error
    assert [metric.value for metric in app.metric] == ["100.0%", "100.00%"]


def test_a_cell_of_the_matrix_shows_its_images(own, visit, run: str) -> None:
    pair = own.run_confusion(run).to_pylist()
    wrong = next(cell for cell in pair if cell["truth"] != cell["predicted"])
    cell = f"{wrong['truth']}-{wrong['predicted']}"
    app = visit("errors", run=run, tab="Confusion", cell=cell)
    assert not app.exception and not app.error
    assert len(cells(app)) == min(12, wrong["n"])
    assert charts(app)[0]["data"][0]["type"] == "heatmap"


def test_the_gallery_shows_mistakes_and_filters_them(own, visit, run: str) -> None:
    app = visit("errors", run=run, tab="Gallery")
    wrong = own.predictions(run, correct=False, limit=48)
    assert [cell["row"] for cell in cells(app)] == [row.row for row in wrong.rows]
    app = visit("errors", run=run, tab="Gallery", show="All", predicted="square")
    assert {cell["title"] for cell in cells(app)} == {"square"}
    app = visit("errors", run=run, tab="Gallery", where='[["colour","in",["green"]]]')
    assert {own.item("shapes", cell["row"]).columns["colour"] for cell in cells(app)} == {"green"}


def test_why_takes_a_decision_apart(own, visit, run: str) -> None:
    second = evaluate(own, "beta")
    row = own.predictions(run, correct=False, limit=1).rows[0].row
    app = visit("errors", run=run, tab="Why", row=str(row))
    assert not app.exception and not app.error
    shown = texts(app)
    found, name = own.explain(run, row, others=[second]), own.zero_shot_run(run).prompts_name
    assert f"**{found.predicted_name}** scores {found.predicted_logit:.3f}" in shown
    assert "What each template adds to the margin" in shown
    assert "Nearest images" in shown and "Other runs" in shown
    said = next(d.value for d in app.dataframe if "says" in d.value.columns)
    assert said["run"].to_list() == [f"beta · Mean of prompts · {name}"]
    assert [cell["row"] for cell in cells(app, "strip")] == [hit.row for hit in found.neighbours]


def test_the_arrow_keys_of_why_walk_the_mistakes(own, visit, run: str) -> None:
    rows = [one.row for one in own.predictions(run, correct=False, limit=2).rows]
    app = visit("errors", run=run, tab="Why", row=str(rows[0]))
    app.button(key="why.Next").click().run()
    assert app.query_params["row"] == str(rows[1])


def test_the_item_dialog_says_what_the_runs_said(own, visit, run: str) -> None:
    row = own.predictions(run, correct=False, limit=1).rows[0].row
    app = visit("errors", run=run, tab="Gallery", item=f"shapes/{row}")
    assert not app.exception and not app.error
    assert app.button(key=f"why.{run}")


def test_the_overview_shows_the_mistakes_of_the_newest_run(own, visit, run: str) -> None:
    app = visit()
    assert not app.exception and not app.error
    assert "Click one to see why" in texts(app)


def test_two_runs_are_compared(own, visit, run: str) -> None:
    better = evaluate(own, classes=None)
    app = visit("compare", run=run, other=better, side="Fixed")
    assert not app.exception and not app.error
    found = own.compare(run, better)
    assert app.metric[0].value == f"{100 * found.difference.value:+.2f} points"
    assert [cell["row"] for cell in cells(app)] == list(found.fixed[:24])


def test_two_runs_are_shown_class_against_class(own, visit, run: str) -> None:
    better = evaluate(own, "beta")
    app = visit("compare", run=run, other=better, tab="Disagreement")
    assert not app.exception and not app.error
    found = own.disagreement(run, better)
    (pairs,) = [d.value for d in app.dataframe]
    assert pairs["images"].tolist() == [
        r["n"] for r in found.cells.to_pylist() if r["first"] != r["second"]
    ]
    cell = next(r for r in found.cells.to_pylist() if r["first"] != r["second"])
    pair = (cell["first"], cell["second"])
    app = visit("compare", run=run, other=better, tab="Disagreement", cell=f"{pair[0]}-{pair[1]}")
    assert [c["row"] for c in cells(app)] == list(own.answered(run, better, *pair))[:24]


def test_robustness_shows_every_run_and_its_mistakes_under_the_shift(own, visit, run: str) -> None:
    better = evaluate(own, "beta")
    asked = {"column": "colour", "standard": "red", "shift": "blue"}
    app = visit("compare", run=run, other=better, tab="Robustness", **asked)
    assert not app.exception and not app.error
    (figure,) = charts(app)
    assert len(figure["data"][-1]["customdata"]) == 2
    assert {own.item("shapes", c["row"]).columns["colour"] for c in cells(app)} <= {"blue"}


def test_an_open_class_shows_its_nearest_names_and_its_prompts(own, visit, run: str) -> None:
    app = visit("errors", run=run, **{"class": "2"})
    assert not app.exception and not app.error
    near = next(d.value for d in app.dataframe if "cosine" in d.value.columns)
    found = own.nearest_classes(run, 2)
    assert near["class"].to_list() == [one.name for one in found] and len(found) == 2
    prompts = next(d.value for d in app.dataframe if "lead" in d.value.columns)
    assert prompts["prompt"].to_list() == [one.text for one in own.prompt_ranking(run, 2)]
    assert "With this prompt alone" in texts(app)
