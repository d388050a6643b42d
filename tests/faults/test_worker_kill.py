"""kill -9 of the worker at random moments of an embedding: nothing is lost, doubled or altered."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest

from store import doctor, gc
from store.workspace import Workspace
from tests.gpu.tiny import bundle, picture
from tests.worker.embed_world import perform, submit, vectors, with_model
from workbench.settings import REPOSITORY

ITEMS, KILLS, LATEST = 2000, 20, 0.6
SEED = 11
PATIENCE = 120.0

pytestmark = pytest.mark.faults


class Forker:
    """Forks workers that have torch loaded already."""

    def __init__(self, root):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forking", str(root)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def worker(self) -> int:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def world(root, model):
    """Captioned pictures in one media file, and the tiny model."""
    space = Workspace.open(root)
    space.catalog.ensure_dataset("d", importer="test", source="", info={})
    pictures = [picture(number) for number in range(100)]
    sources = space.tables.put_blob("d", [pictures[n % 100] for n in range(ITEMS)])
    items = {"item": [f"{n:05}" for n in range(ITEMS)]}
    items |= {
        name: [getattr(source, name) for source in sources] for name in ("uri", "offset", "length")
    }
    captions = {"item_index": list(range(ITEMS)), "text": [f"no {n}" for n in range(ITEMS)]}
    space.tables.append("d", pa.table(items), pa.table(captions))
    return space, with_model(space, model)


@pytest.fixture
def model(tmp_path):
    return bundle(tmp_path / "tiny")


@pytest.fixture
def space(tmp_path, model):
    opened, _ = world(tmp_path / "space", model)
    with opened:
        yield opened


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.02)


def uninterrupted(root, model):
    """The vectors of an equal workspace, embedded in one go."""
    opened, models = world(root, model)
    with opened:
        perform(opened, models, submit(opened))
        return vectors(opened, "image"), vectors(opened, "caption")


def test_an_embedding_survives_twenty_kills(space, model, tmp_path):
    wanted = uninterrupted(tmp_path / "whole", model)
    chance, forker = random.Random(SEED), Forker(space.root)
    params = {"dataset": "d", "model": "tiny", "sides": ["image", "caption"]}
    job = space.jobs.submit("embed", params, title="embed").id
    under_way, progress = 0, []
    try:
        for kill in range(KILLS):
            worker = forker.worker()
            until(lambda k=kill: space.jobs.get(job).attempts > k, "the claim")
            time.sleep(chance.uniform(0, LATEST))
            under_way += space.jobs.get(job).state == "running"
            os.kill(worker, signal.SIGKILL)
            progress.append(sum(info.done for info in space.vectors.all()))
        last = forker.worker()
        until(lambda: space.jobs.get(job).state == "done", "the end of the job")
        os.kill(last, signal.SIGTERM)
    finally:
        forker.close()
    assert under_way == KILLS  # every kill hit the middle
    assert progress == sorted(progress) and 0 < progress[-1] < 2 * ITEMS
    check(space, job, wanted)


def check(space, job, wanted):
    assert (space.jobs.get(job).done, space.jobs.get(job).total) == (2 * ITEMS, 2 * ITEMS)
    for side, expected in zip(("image", "caption"), wanted, strict=True):
        shards = space.database.all(
            "select start, stop from vectors where side=? order by start", (side,)
        )
        edges = [(row["start"], row["stop"]) for row in shards]
        assert edges[0][0] == 0 and edges[-1][1] == ITEMS
        assert all(left[1] == right[0] for left, right in itertools.pairwise(edges))
        found = vectors(space, side)
        # batches of other sizes round differently in the last bit of float16
        assert np.abs(found - expected).max() <= 2**-10
        assert (found == expected).mean() > 0.99
    assert [finding for finding in doctor.check(space) if not finding.harmless] == []
    gc.collect(space)
    assert doctor.check(space) == ()
