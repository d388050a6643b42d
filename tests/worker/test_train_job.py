"""Training in the worker: the same numbers in one go and resumed; what cannot be trained."""

from __future__ import annotations

import json
import threading

import pytest
import torch

from store import doctor, gc, training
from tests.worker.embed_world import fill
from workbench.errors import Cancelled, InputError
from workbench.worker import train_job
from workbench.worker.control import Control, Interrupted
from workbench.worker.models import Models
from workbench.worker.train_question import question, titled

TINY = {
    "image_size": 16,
    "patch_size": 8,
    "width": 16,
    "layers": 2,
    "heads": 2,
    "experts": 4,
    "batch": 8,
    "steps": 24,
    "watch": 8,
}


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    """Tests share their cores, where threads that wait for each other are slow."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def models(space, tmp_path):
    fill(space, tmp_path / "in", 60)
    found = Models(space, "cpu")
    found.prepare()
    return found


def submit(space, name="small", **options):
    params = question(space, "d", name, options={**TINY, **options})
    space.jobs.submit(training.KIND, params, title=titled(params), priority=100)
    job = space.jobs.claim("w")
    assert job is not None and job.kind == training.KIND
    return job


def perform(space, models, job):
    result = train_job.run(job, space, Control(job, space, "w", models=models))
    space.jobs.finish(job.id, "w", result)
    return result


def film(space, key):
    return (space.catalog.model_folder(key) / "training.jsonl").read_text("utf-8").splitlines()


def tensors(space, key):
    (path,) = space.catalog.model_folder(key).glob("*.safetensors")
    return path.read_bytes()


def numbers(lines):
    """The film without the speed."""
    found = [json.loads(line) for line in lines]
    return [{k: v for k, v in line.items() if k != "pairs_per_second"} for line in found]


def test_a_model_is_trained_registered_and_queued_for_embedding(space, models):
    job = submit(space)
    control = Control(job, space, "w", models=models)
    result = train_job.run(job, space, control)
    control.beat()
    seen = space.jobs.get(job.id)
    assert (seen.done, seen.total, seen.device) == (192, 192, "cpu")
    space.jobs.finish(job.id, "w", result)
    info = space.catalog.model("small")
    assert info.key == result["model"] and info.state == "ready" and info.dim == 16
    run = space.runs.get(result["run"])
    assert run.result["recipe"] == {**job.params["recipe"]} and run.result["steps"] == 24
    assert 0 <= run.result["held_out"]["image_to_text"] <= 1 and run.result["items"] == 54
    kinds = [json.loads(line)["kind"] for line in film(space, info.key)]
    assert kinds.count("watch") == 7 and kinds.count("step") == 4  # 0, 5, 8, 10, 16, 20, 24
    queued = [each.kind for each in space.jobs.list(["queued"])]
    assert sorted(queued) == ["embed", "index", "index"]
    assert not (space.root / "training" / training.key(job.params)).exists()
    encoder = models.get("small")
    assert encoder.encode_texts(["picture 1 a"]).shape == (1, 16)
    assert doctor.check(space) == ()


def test_the_same_question_is_trained_once(space, models, monkeypatch):
    first = perform(space, models, submit(space))
    with pytest.raises(InputError, match=r"expected one that was not made before.*'small'"):
        question(space, "d", "other", options=TINY)
    assert submit(space).params == space.runs.get(first["run"]).params
    with pytest.raises(InputError, match="a name that no other model has"):
        question(space, "d", "small", options={**TINY, "seed": 1})
    # a job that is asked for again, or was killed after its last line, finds its own model
    monkeypatch.setattr(train_job, "captioned", lambda *_: pytest.fail("trained again"))
    assert perform(space, models, space.jobs.list(["running"])[0]) == first


class Stopping(Control):
    """Ends the job as a person or a stopping worker does, after some steps."""

    def __init__(self, *given, pairs, error, **named):
        super().__init__(*given, **named)
        self.pairs, self.error = pairs, error

    def tick(self, done=None, total=None, message=None, *, device=None):
        super().tick(done, total, message, device=device)
        if done is not None and done >= self.pairs:
            raise self.error("stop")


@pytest.mark.parametrize("error", [Cancelled, Interrupted])
def test_stopped_it_goes_on_to_the_same_numbers(space, models, error):
    key = perform(space, models, submit(space, "whole"))["model"]
    whole = film(space, key)
    weights = tensors(space, key)
    space.runs.drop(space.runs.list(training.KIND)[0].key)  # or it would be known
    space.catalog.remove_model("whole")
    job = submit(space, "parts")
    for pairs in (24, 80, 136):
        control = Stopping(job, space, "w", models=models, pairs=pairs, error=error)
        with pytest.raises(error):
            train_job.run(job, space, control)
        assert space.jobs.get(job.id).done <= pairs
        torch.rand(7)  # whatever else the worker draws meanwhile
    result = perform(space, models, job)
    assert numbers(film(space, result["model"])) == numbers(whole)
    assert tensors(space, result["model"]) == weights
    assert result["model"] == key


class Hurried(Control):
    """Is stopped within a step: each block of the model asks whether to go on."""

    def __init__(self, *given, checks, **named):
        super().__init__(*given, **named)
        self.left = checks

    def check(self):
        super().check()
        self.left -= 1
        if self.left < 0:
            raise Cancelled("stop")


def test_stopped_within_a_step_it_goes_on_to_the_same_numbers(space, models):
    key = perform(space, models, submit(space, "whole"))["model"]
    whole = numbers(film(space, key))
    space.runs.drop(space.runs.list(training.KIND)[0].key)
    space.catalog.remove_model("whole")
    job = submit(space, "parts")
    for checks in (6, 9, 14, 17, 23):
        with pytest.raises(Cancelled):
            train_job.run(job, space, Hurried(job, space, "w", models=models, checks=checks))
    assert numbers(film(space, perform(space, models, job)["model"])) == whole


def test_other_seeds_and_losses_give_other_models(space, models):
    found = {
        perform(space, models, submit(space, name, **given))["model"]
        for name, given in {
            "a": {"steps": 2},
            "b": {"steps": 2, "seed": 1},
            "c": {"steps": 2, "losses": "classic"},
            "d": {"steps": 2, "losses": "dense"},
        }.items()
    }
    assert len(found) == 4
    last = json.loads(film(space, space.catalog.model("d").key)[-1])
    assert last["kind"] == "watch" and last["layers"] == []


def test_queries_meanwhile_do_not_change_the_numbers(space, models):
    """A query chooses a number of threads for itself, in a thread of its own."""
    first = numbers(film(space, perform(space, models, submit(space, "alone"))["model"]))
    space.runs.drop(space.runs.list(training.KIND)[0].key)
    space.catalog.remove_model("alone")
    over, wide = threading.Event(), torch.ones(100, 100)

    def ask():
        while not over.wait(0.01):
            torch.set_num_threads(1)
            with models.gate.interactive():
                wide @ wide
            torch.set_num_threads(3)

    person = threading.Thread(target=ask)
    person.start()
    try:
        again = numbers(film(space, perform(space, models, submit(space, "asked"))["model"]))
    finally:
        over.set()
        person.join()
    assert again == first


def test_what_cannot_be_trained_is_refused_before_it_is_queued(space, models, tmp_path):
    space.catalog.ensure_dataset("bare", importer="folder", source="", info={})
    for wrong, match in (
        (("bare", {}), "dataset 'bare': expected images with captions.*got 0 items and no caption"),
        (("d", {"batch": 61}), "at most 60, the items there are"),
        (("d", {"heads": 3}), "width of a LIMoE: expected a multiple of 3 heads"),
        (("d", {"losses": "loud"}), "parameter losses: expected one of limoe, classic"),
        (("d", {"colour": 1}), "parameter: expected one of losses"),
    ):
        dataset, options = wrong
        with pytest.raises(InputError, match=match):
            question(space, dataset, "x", options={**TINY, **options})
    with pytest.raises(InputError, match="context: expected from 4 to 256 tokens"):
        question(space, "d", "x", context=3, options=TINY)
    with pytest.raises(InputError, match="model name"):
        question(space, "d", "../x", options=TINY)


def test_a_dataset_that_changed_meanwhile_is_not_trained_on(space, models, tmp_path):
    job = submit(space)
    space.catalog.delete_dataset("d")
    fill(space, tmp_path / "new", 60)
    with pytest.raises(InputError, match="version"):
        perform(space, models, job)


def test_what_a_training_keeps_goes_when_it_cannot_go_on(space, models):
    job = submit(space)
    control = Stopping(job, space, "w", models=models, pairs=24, error=Cancelled)
    with pytest.raises(Cancelled):
        train_job.run(job, space, control)
    space.jobs.mark_cancelled(job.id, "w")
    folder = training.folder(space.root, training.key(job.params))
    assert gc.orphans(space) == () and (folder / "checkpoint.safetensors").is_file()
    space.catalog.delete_dataset("d")
    assert folder / "checkpoint.safetensors" in gc.orphans(space)
    gc.collect(space)
    assert not folder.exists() and doctor.check(space) == ()
