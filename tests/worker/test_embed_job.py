import threading
import time

import numpy as np
import pytest

from store import doctor
from tests.worker.embed_world import fill, perform, submit, vectors, with_model
from workbench.errors import Cancelled, InputError
from workbench.worker import embed_job, index_job
from workbench.worker.control import Control, Interrupted


@pytest.fixture
def models(space, tiny):
    return with_model(space, tiny)


def test_every_image_and_caption_gets_the_vector_of_its_own(space, tmp_path, models):
    fill(space, tmp_path / "in", 30)
    result = perform(space, models, submit(space))
    assert result["rows"] == {"image": 30, "caption": 60}
    encoder = models.get("tiny")
    for row, found in enumerate(vectors(space)):
        data = (tmp_path / "in" / f"{row:04}.png").read_bytes()
        wanted = encoder.encode_images(encoder.preprocess.decode(data)[None])[0]
        assert np.abs(found - wanted).max() < 1e-3  # stored as float16
    wanted = encoder.encode_texts([f"picture {row // 2} {'ab'[row % 2]}" for row in range(60)])
    assert np.abs(vectors(space, "caption") - wanted).max() < 1e-3
    assert doctor.check(space) == ()


def test_a_second_run_computes_nothing(space, tmp_path, models, monkeypatch):
    fill(space, tmp_path / "in", 10)
    perform(space, models, submit(space))
    monkeypatch.setattr(models.get("tiny"), "start_images", lambda items: pytest.fail("computed"))
    monkeypatch.setattr(models.get("tiny"), "start_texts", lambda items: pytest.fail("computed"))
    perform(space, models, submit(space))


def test_items_without_an_image_are_left_out(space, tmp_path, models):
    fill(space, tmp_path / "in", 12, bare=(0, 5, 6, 11))
    result = perform(space, models, submit(space, "image"))
    assert result["rows"] == {"image": 8} and result["without_image"] == 4
    key = space.catalog.model("tiny").key
    assert space.vectors.missing("d", key, "image") == [(0, 1), (5, 7), (11, 12)]


def test_files_that_went_are_named_and_cost_no_other_image(space, tmp_path, models):
    fill(space, tmp_path / "in", 20)
    (tmp_path / "in" / "0003.png").unlink()
    good = (tmp_path / "in" / "0009.png").read_bytes()
    (tmp_path / "in" / "0009.png").write_bytes(b"x" * len(good))
    with pytest.raises(InputError, match="2 images of d could not be read") as caught:
        perform(space, models, submit(space, "image"))
    assert "0003.png (No such file" in caught.value.got and "0009.png" in caught.value.got
    key = space.catalog.model("tiny").key
    assert space.vectors.missing("d", key, "image") == [(3, 4), (9, 10)]
    (tmp_path / "in" / "0003.png").write_bytes(good)
    (tmp_path / "in" / "0009.png").write_bytes(good)
    failed = space.jobs.list(["failed"])[0]
    space.jobs.retry(failed.id)
    with pytest.raises(InputError, match="1 images"):  # 0003.png has another length now or not
        (tmp_path / "in" / "0003.png").unlink()
        perform(space, models, space.jobs.claim("w"))
    assert space.vectors.missing("d", key, "image") == [(3, 4)]


def test_a_cancelled_job_keeps_what_it_computed_and_goes_on_there(
    space, tmp_path, models, monkeypatch
):
    fill(space, tmp_path / "in", 40)
    encoder, seen = models.get("tiny"), []
    real = encoder.start_images

    def slow(items):
        seen.append(len(items))
        time.sleep(0.05)
        return real(items)

    monkeypatch.setattr(encoder, "start_images", slow)
    job = submit(space, "image")
    control = Control(job, space, "w", models=models)

    def cancel():
        while sum(seen) < 10:
            time.sleep(0.005)
        space.jobs.cancel(job.id)
        control.beat()  # as the worker's heartbeat does

    person = threading.Thread(target=cancel)
    person.start()
    with pytest.raises(Cancelled):
        embed_job.run(job, space, control)
    person.join()
    space.jobs.mark_cancelled(job.id, "w")
    key = space.catalog.model("tiny").key
    before = space.vectors.info("d", key, "image").done
    assert 0 < before < 40
    seen.clear()
    space.jobs.retry(job.id)
    perform(space, models, space.jobs.claim("w"))
    assert sum(seen) == 40 - before
    assert space.vectors.info("d", key, "image").complete


def test_a_worker_that_stops_keeps_what_it_computed(space, tmp_path, models, monkeypatch):
    fill(space, tmp_path / "in", 40)
    job, stop = submit(space, "image"), threading.Event()
    real = models.get("tiny").start_images

    def once(items):
        result = real(items)
        threading.Timer(0.05, stop.set).start()
        time.sleep(0.02)
        return result

    monkeypatch.setattr(models.get("tiny"), "start_images", once)
    with pytest.raises(Interrupted):
        embed_job.run(job, space, Control(job, space, "w", stop=stop, models=models))
    assert space.vectors.info("d", space.catalog.model("tiny").key, "image").done > 0


def test_shards_are_published_by_time(space, tmp_path, models, monkeypatch):
    monkeypatch.setattr(embed_job, "SHARD_SECONDS", 0.0)
    fill(space, tmp_path / "in", 20)
    perform(space, models, submit(space, "image"))
    files = list((space.root / "vectors").rglob("*.npy"))
    assert len(files) > 2


def test_shards_are_published_by_size(space, tmp_path, models, monkeypatch):
    monkeypatch.setattr(embed_job, "SHARD_ROWS", 8)
    fill(space, tmp_path / "in", 20)
    perform(space, models, submit(space, "image"))
    sizes = [np.load(path).shape[0] for path in (space.root / "vectors").rglob("*.npy")]
    assert sum(sizes) == 20 and max(sizes) <= 8


def test_progress_ends_at_the_total(space, tmp_path, models):
    fill(space, tmp_path / "in", 10)
    job = submit(space)
    control = Control(job, space, "w", models=models)
    embed_job.run(job, space, control)
    control.beat()
    seen = space.jobs.get(job.id)
    assert (seen.done, seen.total, seen.device) == (30, 30, "cpu")


def test_a_gpu_left_unused_is_said_loudly(space, tmp_path, models):
    fill(space, tmp_path / "in", 1)
    models.gpu_present = True
    job = submit(space, "image")
    control = Control(job, space, "w", models=models)
    said = []
    control.log.info = lambda text, *values: said.append(text % values)
    embed_job.run(job, space, control)
    assert any("ALTHOUGH THIS MACHINE HAS A GPU" in line for line in said)


def test_an_index_job_covers_the_vectors(space, tmp_path, models):
    fill(space, tmp_path / "in", 10)
    perform(space, models, submit(space, "image"))
    for side, rows in (("image", 10), ("caption", 0)):
        params = {"dataset": "d", "model": "tiny", "side": side}
        space.jobs.submit("index", params, title="index")
        job = space.jobs.claim("w")
        result = index_job.run(job, space, Control(job, space, "w"))
        space.jobs.finish(job.id, "w", result)
        assert result["rows"] == rows
