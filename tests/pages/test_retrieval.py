"""Retrieval: what is asked, what comes, side by side, to the end; evaluation and its failures."""

from __future__ import annotations

import pytest

from tests.pages.seen import cells, charts, texts
from workbench.api import Workbench
from workbench.errors import WorkerError
from workbench.worker import retrieval_job


def evaluate(bench: Workbench, model: str) -> None:
    """Run the evaluation as the worker would."""

    class Still:
        stopping = False

        def tick(self, *_: object, **__: object) -> None:
            pass

    bench.submit_evaluate_retrieval("shapes", model)
    job = bench.workspace.jobs.claim("w")
    bench.workspace.jobs.finish(job.id, "w", retrieval_job.run(job, bench.workspace, Still()))


def test_without_a_query_it_asks_for_one(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes")
    assert not app.exception and not app.error
    assert "Type what to look for" in texts(app) and not cells(app)


def test_words_bring_what_they_name(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", q="red disc")
    assert not app.exception and not app.error
    shown = cells(app)
    assert len(shown) == 48 and {cell["row"] for cell in shown[:8]} == set(range(8))
    assert shown[0]["rank"] == "1" and float(shown[0]["score"]) > float(shown[47]["score"])
    (figure,) = charts(app)
    assert sum(figure["data"][0]["y"]) == 96 or "bdata" in figure["data"][0]["y"]
    assert "96 images ranked in" in texts(app)


def test_what_is_excluded_goes_down(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", q="red", **{"not": "disc"})
    assert {cell["title"] for cell in cells(app)[:16]} == {"square", "cross"}


def test_an_item_is_a_query_and_can_be_dropped(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", like="shapes/30")
    assert {cell["row"] for cell in cells(app)[:8]} == set(range(24, 32))
    app.button(key="like.drop").click().run()
    assert "like" not in app.query_params and not cells(app)


def test_words_and_an_item_are_weighed(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", like="shapes/30", q="red", weight="0")
    assert {cell["row"] for cell in cells(app)[:24]} == set(range(24))
    app = visit("retrieval", dataset="shapes", like="shapes/30", q="red", weight="1")
    assert {cell["row"] for cell in cells(app)[:8]} == set(range(24, 32))


def test_texts_can_be_looked_for(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", q="blue cross", target="Texts")
    found = cells(app, "list")
    assert {cell["text"] for cell in found[:8]} == {f"a blue cross number {n}" for n in range(8)}


def test_two_models_stand_side_by_side(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", q="red disc")
    app.multiselect(key="models").select("beta").run()
    assert len(charts(app)) == 2
    assert "**alpha**" in texts(app) and "**beta**" in texts(app)


def test_the_ranking_goes_on_to_its_end(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", q="red disc", page="2")
    shown = cells(app)
    assert shown[0]["rank"] == "49" and shown[-1]["rank"] == "96"


def test_filters_hold_for_the_ranking(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", q="red", where='[["label","in",["cross"]]]')
    assert len(cells(app)) == 32 and "32 images ranked" in texts(app)


def test_a_bin_of_the_histogram_shows_what_lies_in_it(bench, visit) -> None:
    app = visit("retrieval", dataset="shapes", q="red disc", bin="alpha/59")
    best = cells(app)
    assert 0 < len(best) < 9 and best[0]["rank"] == "1"
    app = visit("retrieval", dataset="shapes", q="red disc", bin="alpha/0")
    assert cells(app)[-1]["rank"] == "96"
    next(b for b in app.button if "chosen bar" in b.label).click().run()
    assert "bin" not in app.query_params and len(cells(app)) == 48


def test_a_dataset_that_no_model_has_embedded_offers_it(own, visit) -> None:
    app = visit("retrieval", dataset="plain", q="red")
    assert "No model has embedded plain yet" in texts(app)
    next(b for b in app.button if b.label == "Embed with alpha").click().run()
    assert [job.kind for job in own.jobs(("queued",))][-1] == "embed"
    assert "is being prepared" in texts(app)


def test_a_worker_that_does_not_answer_is_explained_and_the_page_stays(
    bench, visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(self: Workbench, model: str, texts: list[str]) -> None:
        raise WorkerError("the worker", expected="an answer", got="none", do="Start it.")

    monkeypatch.setattr(Workbench, "_texts", silent)
    app = visit("retrieval", dataset="shapes", q="something new")
    assert not app.exception
    assert "The worker" in app.error[0].value
    assert app.text_input(key="q").value == "something new"


def test_an_empty_workspace_leads_to_the_import(empty, visit) -> None:
    app = visit("retrieval")
    assert not app.exception and "nothing to search" in texts(app)


def test_a_model_is_evaluated_by_a_job(own, visit) -> None:
    app = visit("retrieval", dataset="shapes", tab="Evaluate")
    assert not app.exception and not app.error
    next(b for b in app.button if b.label == "Evaluate alpha").click().run()
    assert [job.kind for job in own.jobs(("queued",))] == ["evaluate-retrieval"]
    assert "Evaluate retrieval on shapes by alpha" in texts(app)


def test_measures_and_failures_are_shown(own, visit) -> None:
    evaluate(own, "alpha")
    app = visit("retrieval", dataset="shapes", tab="Evaluate")
    assert not app.exception and not app.error
    table = next(f.value for f in app.dataframe if "text to image" in f.value.columns)
    report = own.retrieval_result("shapes", "alpha")
    assert table["R@1"][0] == report.measures["text-to-image"]["recall@1"]
    total = own.retrieval_failures("shapes", "alpha").total
    assert f"**{total}** of 96 texts" in texts(app)
    assert cells(app, "strip")[0]["title"] == "its own"
    app = visit("retrieval", dataset="shapes", tab="Evaluate", way="Image to text")
    assert not app.exception and cells(app, "list")[0]["marked"]


def test_failures_follow_the_filter(own, visit) -> None:
    evaluate(own, "alpha")
    app = visit("retrieval", dataset="shapes", tab="Evaluate", where='[["colour","in",["red"]]]')
    assert "of 24 texts" in texts(app)


def test_a_dataset_without_captions_cannot_be_evaluated(bench, visit) -> None:
    app = visit("retrieval", dataset="plain", tab="Evaluate")
    assert "has no captions" in texts(app)
