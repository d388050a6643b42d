"""Trainings as the API tells them, without any training made."""

from __future__ import annotations

import math

import pytest

import sample_data
from store import training
from tests.plots.film_lines import film_text
from tests.worker.embed_world import fill
from workbench.api import look_rows, open_workspace, step_rows
from workbench.errors import InputError, UnknownName
from workbench.gpu.device import pick
from workbench.worker.adopt import register


@pytest.fixture
def bench(tmp_path):
    with open_workspace(tmp_path / "space") as opened:
        fill(opened.workspace, tmp_path / "in", 60)
        opened.workspace.catalog.ensure_dataset("bare", importer="folder", source="", info={})
        yield opened


def under_way(bench, name="m", steps=30):
    job = bench.submit_training("d", name, batch=8, steps=100)
    folder = training.folder(bench.root, training.key(job.params))
    folder.mkdir(parents=True)
    (folder / "training.jsonl").write_text(film_text(steps), "utf-8")
    return job, folder


def test_what_can_be_trained_on(bench):
    assert [info.name for info in bench.trainable()] == ["d"]


def test_a_training_is_followed_from_job_to_end(bench):
    job, folder = under_way(bench)
    assert (job.title, job.total, job.unit) == (
        "Train m on d (limoe losses, seed 0)",
        800,
        "pairs",
    )
    (run,) = bench.trainings()
    assert run.key == folder.name and (run.name, run.dataset, run.job) == ("m", "d", job.id)
    assert (run.state, run.step, run.steps, run.model) == ("queued", 0, 100, "")
    assert "limoe losses · seed 0" in run.label and bench.has_checkpoint(run.key)
    bench.workspace.jobs.claim("w")
    bench.workspace.jobs.beat(job.id, "w", done=240, total=800, rate=1.0)
    assert bench.training(run.key).step == 30


def test_one_question_is_one_training_however_often_it_is_asked(bench):
    job, folder = under_way(bench)
    bench.cancel(job.id)
    again = bench.submit_training("d", "m", batch=8, steps=100)
    assert again.id != job.id
    (run,) = bench.trainings()
    assert run.job == again.id and run.key == folder.name
    assert len(bench.trainings()) == 1
    bench.submit_training("d", "other", batch=8, steps=100)
    assert len(bench.trainings()) == 2


def test_the_film_is_read_while_it_grows(bench):
    _, folder = under_way(bench)
    assert bench.training_film(folder.name).trained.tolist() == [10, 20, 30]
    (folder / "training.jsonl").write_text(film_text(50) + '{"kind": "st', "utf-8")
    assert bench.training_film(folder.name).trained.tolist() == [10, 20, 30, 40, 50]
    training.remove(bench.root, folder.name)
    assert bench.training_film(folder.name) is None
    with pytest.raises(UnknownName, match="training"):
        bench.training_film("none")


def test_a_training_under_way_is_not_discarded(bench):
    job, folder = under_way(bench)
    with pytest.raises(InputError, match="one that has stopped"):
        bench.discard_training(folder.name)
    bench.cancel(job.id)
    bench.discard_training(folder.name)
    assert not folder.exists() and not bench.has_checkpoint(folder.name)


def test_rows_of_a_film_are_its_numbers(bench):
    _, folder = under_way(bench)
    film = bench.training_film(folder.name)
    steps, looks = step_rows(film), look_rows(film)
    assert [row["step"] for row in steps] == [10, 20, 30]
    assert steps[1]["contrastive"] == pytest.approx(3.8) and steps[1]["pairs_per_second"] == 80
    assert len(looks) == 4 * 2 * 2
    last = looks[-1]
    assert (last["step"], last["layer"], last["modality"]) == (30, 3, "text")
    assert last["kept"] == pytest.approx(0.83) and last["experts_hard"] == pytest.approx(1)
    assert looks[-2]["experts_soft"] == pytest.approx(4)
    mixed = [0.625, 0.125, 0.125, 0.125]
    bits = -sum(p * math.log2(p) for p in mixed) - 1
    assert last["jsd_bits"] == pytest.approx(bits)
    (folder / "training.jsonl").write_text(film_text(10, layers=()), "utf-8")
    looks = look_rows(bench.training_film(folder.name))
    assert [row["step"] for row in looks] == [0, 10] and "layer" not in looks[0]


def test_a_run_that_is_no_training_is_unknown(bench):
    with pytest.raises(UnknownName):
        bench.trained("nothing")


def test_thresholds_of_a_model_are_those_of_its_recipe(bench, tmp_path):
    for name in ("glyph-limoe", "glyph-limoe-classic", "glyph-clip"):
        folder = str(sample_data.models_dir() / name)
        register(bench.workspace, pick("cpu"), "", folder, name, "auto")
    assert bench.thresholds("glyph-limoe") == {"image": 6.0, "text": 2.0}
    assert bench.thresholds("glyph-limoe-classic") == {}
    assert bench.thresholds("glyph-clip") == {}
    assert bench.thresholds("nobody") == {}
