"""A run's report is offered beside the run, and made only when it is asked for."""

from __future__ import annotations

from tests.pages.evaluated import evaluate
from workbench.api import Workbench


def test_the_report_is_made_on_demand(own: Workbench, visit, monkeypatch) -> None:
    run = evaluate(own)
    made: list[str] = []
    monkeypatch.setattr(Workbench, "zero_shot_report", lambda self, key: made.append(key) or b"x")
    app = visit("zero_shot", dataset="shapes", run=run)
    assert not app.exception and not app.error
    (button,) = [b for b in app.get("download_button") if "run.report" in b.proto.id]
    assert button.proto.label == "Report" and not made
