"""kill -9 of the worker while it records routing: the recording is that of one go."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from store import doctor, gc
from tests.faults.test_worker_kill import Forker, until
from tests.worker import routing_world as world
from tests.worker.routing_world import all_tokens, everything, perform
from workbench.api import open_workspace
from workbench.worker.routing_job import PART

ITEMS, KILLS, LATEST, SEED = 400, 4, 0.4, 13

pytestmark = pytest.mark.faults


def recording(root, folder, bundle):
    """A workspace with items and the model, and the job that waits."""
    bench = open_workspace(root)
    world.fill(bench, folder, ITEMS, bare=(5, 17))
    models = world.with_model(bench, bundle)
    return bench, models, bench.submit_recording("d", "experts", batch=8)


def test_a_recording_survives_kills(tmp_path):
    bundle = world.bundle(tmp_path / "models" / "experts")
    bench, models, job = recording(tmp_path / "whole", tmp_path / "images", bundle)
    with bench:
        key = perform(bench, models, job)
        wanted, tokens = everything(bench, key), all_tokens(bench, key)
    bench, _, job = recording(tmp_path / "space", tmp_path / "images", bundle)
    chance = random.Random(SEED)
    with bench:
        forker, under_way, progress = Forker(tmp_path / "space"), 0, []

        def parts():
            return len(bench.workspace.runs.list(PART))

        try:
            for kill in range(KILLS):
                worker, before = forker.worker(), parts()
                until(lambda k=kill: bench.job(job.id).attempts > k, "the claim")
                if kill % 2:  # the others may hit before the first shard
                    until(lambda n=before: parts() > n or bench.recordings(), "a shard")
                time.sleep(chance.uniform(0, LATEST))
                under_way += bench.job(job.id).state == "running"
                os.kill(worker, signal.SIGKILL)
                progress.append(parts())
            last = forker.worker()
            until(lambda: bench.job(job.id).state == "done", "the end of the job")
            os.kill(last, signal.SIGTERM)
        finally:
            forker.close()
        assert under_way >= KILLS // 2, progress  # so many hit the middle
        assert progress == sorted(progress) and progress[-1] > 1
        (made,) = bench.recordings()
        assert made.key == key
        assert everything(bench, key) == wanted
        assert all_tokens(bench, key).equals(tokens)
        assert len(bench.recorded_rows(key)) == ITEMS - 1  # the one without image and caption
        assert parts() == len(bench.workspace.runs.get(key).result["shards"])
        assert [each for each in doctor.check(bench.workspace) if not each.harmless] == []
        gc.collect(bench.workspace)
        assert doctor.check(bench.workspace) == ()
