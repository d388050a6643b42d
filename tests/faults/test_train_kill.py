"""kill -9 of the worker while it trains: the losses and the model are those of one go."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from store import doctor, gc, training
from tests.faults.test_worker_kill import Forker, until
from tests.worker.embed_world import fill
from tests.worker.test_train_job import (  # noqa: F401
    TINY,
    film,
    numbers,
    one_core,
    perform,
    tensors,
)
from workbench.api import open_workspace
from workbench.worker.models import Models

STEPS, KILLS, LATEST, SEED = 80, 4, 0.5, 5

pytestmark = pytest.mark.faults


def asked(root, folder):
    """A workspace with captioned pictures, and the job that waits."""
    bench = open_workspace(root)
    bench.set_setting("sample", "removed")
    fill(bench.workspace, folder, 60)
    return bench, bench.submit_training("d", "small", **{**TINY, "steps": STEPS})


def test_a_training_survives_kills(tmp_path):
    bench, job = asked(tmp_path / "whole", tmp_path / "images")
    with bench:
        models = Models(bench.workspace, "cpu")
        models.prepare()
        bench.workspace.jobs.claim("w")
        key = perform(bench.workspace, models, job)["model"]
        wanted, weights = numbers(film(bench.workspace, key)), tensors(bench.workspace, key)
    bench, job = asked(tmp_path / "space", tmp_path / "images")
    kept = training.folder(bench.root, training.key(job.params))
    chance = random.Random(SEED)

    def told():
        """Lines of the film so far; all of them once it is a model."""
        log = kept / "training.jsonl"
        return log.read_text("utf-8").count("\n") if log.is_file() else 0

    with bench:
        forker, under_way = Forker(tmp_path / "space"), 0
        try:
            for kill in range(KILLS):
                worker, before = forker.worker(), told()
                until(lambda k=kill: bench.job(job.id).attempts > k, "the claim")
                if kill % 2:  # the others may hit before the first step
                    until(lambda n=before: told() > n or bench.models(), "a line of the film")
                time.sleep(chance.uniform(0, LATEST))
                under_way += bench.job(job.id).state == "running"
                os.kill(worker, signal.SIGKILL)
            last = forker.worker()
            until(lambda: bench.job(job.id).state == "done", "the end of the job")
            os.kill(last, signal.SIGTERM)
            until(lambda: not bench.workers(), "the worker's end")
        finally:
            forker.close()
        assert under_way >= KILLS // 2  # so many hit the middle
        (made,) = bench.models()
        assert made.key == key and tensors(bench.workspace, key) == weights
        assert numbers(film(bench.workspace, key)) == wanted
        assert not kept.exists()
        assert [each for each in doctor.check(bench.workspace) if not each.harmless] == []
        gc.collect(bench.workspace)
        assert doctor.check(bench.workspace) == ()
