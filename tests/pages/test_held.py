"""A run held against a published table on the Evaluate page."""

from __future__ import annotations

import pytest

from tests.pages.evaluated import evaluate
from tests.pages.seen import texts
from tests.store.test_uploads import File
from workbench.api import Workbench

TABLE = b"name,pretrained,shapes,odd\nother,tag,0.1,0.5\ntiny,random:5,0.6667,\n"


@pytest.fixture
def run(own: Workbench) -> str:
    """A run of alpha on ``shapes`` with mistakes; its key."""
    return evaluate(own)


@pytest.fixture
def place(own: Workbench) -> str:
    """The address of a kept table."""
    return f"{own.keep_uploads([File('mine.csv', TABLE)]).name}/mine.csv"


def test_the_own_row_and_column_are_chosen_first(own, visit, run: str, place: str) -> None:
    app = visit("zero_shot", dataset="shapes", run=run, against="true", table=place)
    assert not app.exception and not app.error
    chosen = [box.value for box in app.selectbox if "of the table" in box.label]
    assert chosen == ["tiny random:5", "shapes"]
    held = own.hold_against(run, own.kept_upload(place))
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Published"] == "66.67%"
    assert shown["Difference"] == f"{100 * held.difference.value:+.2f} points"
    assert f"{held.difference.n} images" in texts(app)
    assert len(app.warning) == len(held.warnings) > 0


def test_another_row_is_in_the_address(own, visit, run: str, place: str) -> None:
    app = visit("zero_shot", dataset="shapes", run=run, against="true", table=place)
    next(box for box in app.selectbox if "Model of" in box.label).select("other tag").run()
    assert app.query_params["published"] == "other tag"
    assert not app.exception and not app.error
    said = " ".join(warning.value for warning in app.warning).replace("\\", "")
    assert "and other tag there" in said.replace("\u2060", "")


def test_an_empty_cell_is_said(own, visit, run: str, place: str) -> None:
    app = visit(
        "zero_shot", dataset="shapes", run=run, against="true", table=place, dataset_column="odd"
    )
    assert not app.exception and "An accuracy from 0 to 1" in texts(app).replace("an acc", "An acc")


@pytest.mark.parametrize("table", ["", "../../state.sqlite", "0123456789abcdef/no.csv"])
def test_without_a_table_there_is_only_the_upload(own, visit, run: str, table: str) -> None:
    app = visit("zero_shot", dataset="shapes", run=run, against="true", table=table)
    assert not app.exception and not app.error
    assert not [box for box in app.selectbox if "of the table" in box.label]
    assert ("not in this workspace" in texts(app)) == bool(table)
