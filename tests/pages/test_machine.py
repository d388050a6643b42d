"""Models and jobs: cards, coverage, registration, queue, worker, health of the workspace."""

from __future__ import annotations

from tests.pages.seen import texts
from tests.pages.small_world import worker
from workbench.api import Workbench


def test_models_show_their_card_and_what_they_cover(bench, visit) -> None:
    app = visit("models")
    assert not app.exception and not app.error
    card = next(f.value for f in app.dataframe if list(f.value.columns) == ["property", "value"])
    facts = dict(zip(card["property"], card["value"], strict=True))
    assert facts["parameters"] == "1,234,567" and facts["logit bias"] == "none (softmax)"
    assert "96 images" in texts(app) and "**plain** :gray[10 items]" in texts(app)


def test_what_is_missing_is_embedded_with_one_click(own, visit) -> None:
    app = visit("models")
    buttons = [b for b in app.button if b.label == "Embed"]
    assert len(buttons) == 2  # plain x alpha, beta
    buttons[0].click().run()
    job = next(job for job in own.jobs(("queued",)) if job.kind == "embed")
    assert job.params["dataset"] == "plain"
    assert len([b for b in app.button if b.label == "Embed"]) == 1


def test_a_model_is_registered_by_a_job(own, visit) -> None:
    app = visit("models")
    next(b for b in app.button if b.label == "Register a model").click().run()
    box = next(s for s in app.selectbox if s.label == "Architecture and pretrained tag")
    box.set_value(("ViT-B-32", "laion2b")).run()
    next(t for t in app.text_input if t.label == "Name here").input("vit").run()
    next(b for b in app.button if b.label == "Register").click().run()
    job = next(job for job in own.jobs(("queued",)) if job.kind == "register")
    assert job.params["arch"] == "ViT-B-32" and job.params["name"] == "vit"
    assert "Register the model vit" in texts(app)


def test_without_models_the_page_says_how_to_get_one(empty, visit) -> None:
    app = visit("models")
    assert not app.exception and "No model is registered yet" in texts(app)


def test_jobs_are_listed_with_what_became_of_them(own, visit) -> None:
    failed = own.submit_embed("plain", "alpha")
    own.workspace.jobs.claim("w")
    own.workspace.jobs.fail(failed.id, "w", "CUDA <b>out</b> of memory")
    app = visit("jobs")
    assert not app.exception
    assert "CUDA <b>out</b> of memory" in texts(app)
    app.button(key=f"finished.retry.{failed.id}").click().run()
    assert own.job(failed.id).state == "queued"


def test_finished_jobs_are_chosen_by_state(own, visit) -> None:
    job = own.submit_index("shapes", "alpha", "image")
    own.cancel(job.id)
    assert "Index images" in texts(visit("jobs", state="cancelled"))
    assert "Index images" not in texts(visit("jobs", state="failed"))


def test_the_worker_is_described(bench, visit, monkeypatch) -> None:
    monkeypatch.setattr(Workbench, "workers", lambda self: (worker("cuda:0 NVIDIA H100"),))
    app = visit("jobs")
    table = next(f.value for f in app.dataframe if "device" in list(f.value["property"]))
    assert "cuda:0 NVIDIA H100" in list(table["value"])
    assert "1.0 GB of 8.0 GB" in texts(app)


def test_the_workspace_is_checked(own, visit) -> None:
    app = visit("jobs")
    next(b for b in app.button if b.label == "Check files").click().run()
    assert not app.exception and "Every file is there" in app.success[0].value
    next((own.root / "vectors").rglob("*.npy")).unlink()
    app = visit("jobs")
    next(b for b in app.button if b.label == "Check files").click().run()
    assert "finding" in app.warning[0].value


def test_an_upload_is_no_stranger_to_the_doctor(own, visit) -> None:
    from tests.store.test_uploads import File

    own.keep_uploads([File("a.png", b"1")])
    assert not own.doctor(deep=False)
    assert own.gc(dry_run=True)[0] == ()
