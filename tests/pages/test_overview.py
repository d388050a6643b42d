"""Overview: empty, filled, at work, and when something went wrong."""

from __future__ import annotations

from pages.shared import handle
from tests.pages.seen import cells, texts
from workbench.errors import WorkerError


def test_it_shows_the_collections_and_offers_a_search(bench, visit) -> None:
    app = visit()
    assert not app.exception and not app.error
    assert "96 images · 96 captions · 2 skipped" in texts(app)
    assert len(cells(app, "strip")) == 10  # of `plain`, the first by name
    assert [box.label for box in app.text_input] == ["Search your images with words"]


def test_an_empty_workspace_says_what_will_happen(empty, visit) -> None:
    app = visit()
    assert not app.exception and not app.error
    assert "This workspace is empty" in texts(app)


def test_jobs_on_their_way_show_with_progress_and_a_way_to_cancel(own, visit) -> None:
    job = own.submit_embed("plain", "alpha")
    own.workspace.jobs.claim("w")
    own.workspace.jobs.beat(job.id, "w", done=4, total=10, rate=2.0, device="cpu")
    app = visit()
    assert "4 of 10 items · 2.0 items/s · 3 s left" in texts(app)
    assert "Then: Index images of plain by alpha" in texts(app)
    app.button(key=f"overview.jobs.cancel.{job.id}").click().run()
    assert own.job(job.id).cancel_requested


def test_a_worker_that_cannot_start_is_explained(bench, visit, monkeypatch) -> None:
    error = WorkerError("the worker", expected="a start", got="none", do="Look into the log.")
    monkeypatch.setattr(handle, "preparation_error", lambda: error)
    app = visit()
    assert "Look into the log" in app.error[0].value


def test_a_search_goes_to_retrieval(bench, visit) -> None:
    app = visit()
    app.text_input[0].input("red disc")
    app.selectbox[0].select("shapes")
    app.button[0].click().run()
    assert app.query_params["q"] == "red disc" and app.query_params["dataset"] == "shapes"
    assert app.title[0].value == "Retrieval"
    assert cells(app)[0]["title"] == "disc"


def test_a_gpu_that_is_not_used_is_said_loudly(bench, visit, monkeypatch) -> None:
    from tests.pages.small_world import worker
    from workbench.api import Workbench

    monkeypatch.setattr(Workbench, "workers", lambda self: (worker(gpu_present=True),))
    app = visit()
    assert "This machine has a GPU" in app.warning[0].value
    monkeypatch.setattr(
        Workbench, "workers", lambda self: (worker("cuda:0 NVIDIA H100", gpu_present=True),)
    )
    app = visit()
    assert not app.warning
