"""The review of a run's mistakes, and the verdicts of a person."""

from __future__ import annotations

import pytest

from tests.pages.evaluated import evaluate, work_off
from tests.pages.seen import cells, texts
from workbench.api import Workbench
from workbench.measures.confident import LABEL_RULES
from workbench.measures.error_types import RULES


@pytest.fixture
def run(own: Workbench) -> str:
    """A run of alpha on ``shapes`` with mistakes; its key."""
    return evaluate(own)


@pytest.fixture
def reviewed(own: Workbench, run: str) -> str:
    """The same, with its review."""
    own.submit_review(run)
    work_off(own)
    return run


def test_the_button_asks_for_a_review(own, visit, run: str) -> None:
    app = visit("errors", run=run, tab="Review")
    assert not app.exception and not app.error
    app.button(key="review.start").click().run()
    (job,) = own.jobs(("queued",))
    assert (job.kind, job.params["run"]) == ("review", run)


def test_each_kind_shows_its_rule_and_its_mistakes(own, visit, reviewed: str) -> None:
    found = own.review(reviewed)
    table = own.review_table(reviewed, "proposals").to_pylist()
    for rule in RULES:
        app = visit("errors", run=reviewed, tab="Review", kind=rule.title)
        assert not app.exception and not app.error
        shown = texts(app)
        assert rule.sentence in shown and "Top-1 accuracy" in shown
        assert f"**{found.categories[rule.category]}** of" in shown
        wanted = {each["row"] for each in table if each["category"] == rule.category}
        assert {cell["row"] for cell in cells(app)} <= wanted


@pytest.mark.parametrize("view", ["Doubtful labels", "What mistakes share"])
def test_labels_and_groups_show_their_images(own, visit, reviewed: str, view: str) -> None:
    app = visit("errors", run=reviewed, tab="Review", review=view)
    assert not app.exception and not app.error
    assert "of" in texts(app)


def test_a_group_says_what_its_mistakes_share(own, visit, reviewed: str) -> None:
    first = own.review(reviewed).slices[0]
    app = visit("errors", run=reviewed, tab="Review", review="What mistakes share")
    tables = [d.value for d in app.dataframe if "times as often" in d.value.columns]
    shared = [d for d in tables if "column" in d.columns and "there" not in d.columns]
    values = [str(excess["value"]) for excess in first["excesses"]]
    answers = [str(excess["value"]) for excess in first["answers"]]
    assert [d["value"].to_list() for d in shared] == [v for v in (values, answers) if v]
    assert "the mean of its true class is taken out" in texts(app)


def test_doubtful_labels_are_chosen_by_a_rule_that_is_said(own, visit, reviewed: str) -> None:
    found, table = own.review(reviewed), own.review_table(reviewed, "issues").to_pylist()
    for rule in LABEL_RULES:
        app = visit("errors", run=reviewed, tab="Review", review="Doubtful labels", rule=rule.title)
        assert not app.exception and not app.error
        shown = texts(app)
        assert rule.sentence in shown and f"{found.issues[rule.key]:,} of 96 labels" in shown
        wanted = {each["row"] for each in table if each[rule.key]}
        assert {cell["row"] for cell in cells(app)} <= wanted


def test_a_verdict_is_kept_and_corrects_the_accuracy(own, visit, reviewed: str) -> None:
    one = own.predictions(reviewed, correct=False, limit=1).rows[0]
    app = visit("errors", run=reviewed, tab="Why", row=str(one.row))
    assert not app.exception and not app.error
    box = next(box for box in app.selectbox if box.label == "What is it?")
    assert "Proposed:" in box.help
    box.select("label-wrong").run()
    assert own.verdicts("shapes")[one.item][0] == "label-wrong"
    assert "after 1 verdict" in texts(visit("errors", run=reviewed, tab="Review"))
    box = next(box for box in app.selectbox if box.label == "What is it?")
    box.select("no verdict").run()
    assert own.verdicts("shapes") == {}


def test_the_gallery_filters_by_verdict_and_by_note(own, visit, reviewed: str) -> None:
    one, two = own.predictions(reviewed, correct=False, limit=2).rows
    own.set_verdict("shapes", one.item, "label-wrong", "a square after all")

    def shown(**asked: str) -> list[int]:
        app = visit("errors", run=reviewed, tab="Gallery", **asked)
        assert not app.exception and not app.error
        return [cell["row"] for cell in cells(app)]

    assert one.row in shown(verdict="label wrong")
    left = shown(verdict="no verdict yet")
    assert one.row not in left and two.row in left
    assert shown(note="square") == [one.row]
    assert shown(note="nowhere") == []
