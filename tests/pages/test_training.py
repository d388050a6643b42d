"""Models, the tab that trains: the form, what it queues, and the curves while it goes."""

from __future__ import annotations

from dataclasses import replace

from store import training
from tests.pages.seen import texts
from tests.plots.film_lines import film_text
from workbench.api import Recipe

TAB = {"tab": "Train a LIMoE"}
SMALL = {"batch": 8, "steps": 100, "image_size": 16}


def begin(bench, steps=40, **options):
    """A training that a worker has under way; returns its job and folder."""
    job = bench.submit_training("shapes", "small", **{**SMALL, **options})
    bench.workspace.jobs.claim("w")
    key = training.key(job.params)
    folder = training.folder(bench.root, key)
    folder.mkdir(parents=True)
    layers = () if options.get("losses") == "dense" else (1, 3)
    (folder / "training.jsonl").write_text(film_text(steps, layers=layers), "utf-8")
    return job, folder


def test_the_form_queues_what_it_shows(own, visit) -> None:
    app = visit("models", **TAB)
    assert not app.exception and not app.error, [e.value for e in app.error]
    assert "Nothing was trained here yet" in texts(app)
    app.text_input(key="name").input("mine")
    app.selectbox(key="train.losses").set_value("limoe")
    app.number_input(key="train.soft_text").set_value(3.0)
    app.number_input(key="train.batch").set_value(16)
    app.number_input(key="train.seed").set_value(5)
    app.toggle(key="train.modality_bias").set_value(True).run()
    app.button(key="train").click().run()
    assert not app.exception and not app.error, [e.value for e in app.error]
    (job,) = own.jobs(("queued",))
    assert job.kind == "train-limoe" and job.params["name"] == "mine"
    wanted = replace(Recipe(), soft_text=3.0, batch=16, seed=5, modality_bias=True)
    assert job.params["recipe"] == vars(wanted) and job.params["context"] == 20
    assert "Its first steps are still to come" in texts(app)


def test_only_datasets_with_captions_are_offered(own, visit) -> None:
    app = visit("models", **TAB)
    assert list(app.selectbox(key="dataset").options) == ["shapes"]


def test_soft_minima_are_asked_only_where_a_loss_has_them(own, visit) -> None:
    app = visit("models", **TAB, **{"train.losses": "classic"})
    keys = {each.key for each in app.number_input}
    assert "train.soft_text" not in keys and "train.experts" in keys
    app.selectbox(key="train.losses").set_value("dense").run()
    assert "train.experts" not in {each.key for each in app.number_input}


def test_what_cannot_be_is_said_in_the_form(own, visit) -> None:
    app = visit("models", **TAB, **{"train.batch": "500"})
    app.button(key="train").click().run()
    assert "at most" in app.error[0].value and own.jobs(("queued",)) == ()


def test_curves_of_a_running_training(own, visit) -> None:
    job, folder = begin(own)
    app = visit("models", **TAB)
    assert not app.exception and not app.error, [e.value for e in app.error]
    assert len(app.get("plotly_chart")) == 8
    told = {each.label: each.value for each in app.metric}
    assert told["Step"] == "40" and told["Contrastive"] == "3.600"
    assert told["Image R@1"] == "20.0%" and told["Least kept"] == "84.0%"
    assert told["JSD, bits"] == "0.55"
    (folder / "training.jsonl").write_text(film_text(60), "utf-8")
    app.run()
    assert {each.label: each.value for each in app.metric}["Step"] == "60"
    app.button(key=f"training.job.cancel.{job.id}").click().run()
    assert own.job(job.id).cancel_requested


def test_a_dense_training_has_no_curves_of_routers(own, visit) -> None:
    begin(own, losses="dense")
    app = visit("models", **TAB)
    assert not app.exception and len(app.get("plotly_chart")) == 2


def test_a_stopped_training_goes_on_or_is_discarded(own, visit) -> None:
    job, folder = begin(own)
    own.cancel(job.id)
    own.workspace.jobs.mark_cancelled(job.id, "w")
    app = visit("models", **TAB, training=folder.name)
    assert not app.exception and app.button(key=f"training.job.retry.{job.id}")
    app.button(key="training.discard").click().run()
    assert not app.exception and not folder.exists()
    assert "first steps are still to come" in texts(app)


def test_a_model_that_came_trained_shows_its_film(own, visit) -> None:
    card = own.model("alpha")
    folder = own.workspace.catalog.model_folder(card.key)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "training.jsonl").write_text(film_text(100), "utf-8")
    app = visit("models", **TAB, training="model:alpha")
    assert not app.exception and len(app.get("plotly_chart")) == 8


def test_without_captions_the_tab_says_what_is_missing(empty, visit) -> None:
    app = visit("models", **TAB)
    assert not app.exception and "No dataset has images with captions yet" in texts(app)
