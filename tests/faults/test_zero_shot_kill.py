"""kill -9 of the worker in the middle of a zero-shot run: the run is made whole, once."""

from __future__ import annotations

import os
import random
import signal
import time

import pyarrow as pa
import pytest

from store import doctor, gc
from store.workspace import Workspace
from tests.faults.test_worker_kill import Forker, until
from tests.gpu.tiny import bundle, picture
from tests.worker.embed_world import perform, submit, with_model
from workbench.api import open_workspace
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet

ITEMS, KILLS, LATEST, SEED = 400, 6, 0.4, 5
CLASSES = ClassSet(tuple(f"thing {n}" for n in range(60)), tuple(f"t{n}" for n in range(60)))
PROMPTS = PromptSet(templates=tuple(f"{{}} number {n}" for n in range(40)))

pytestmark = pytest.mark.faults


def world(root, model):
    """Labelled pictures that the tiny model has embedded."""
    space = Workspace.open(root)
    space.catalog.ensure_dataset("d", importer="test", source="", info={})
    sources = space.tables.put_blob("d", [picture(number % 100) for number in range(ITEMS)])
    items = {
        "item": [f"{n:05}" for n in range(ITEMS)],
        "label": [f"t{n % 60}" for n in range(ITEMS)],
    }
    items |= {
        name: [getattr(source, name) for source in sources] for name in ("uri", "offset", "length")
    }
    captions = pa.table({"item_index": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
    space.tables.append("d", pa.table(items), captions)
    models = with_model(space, model)
    perform(space, models, submit(space, "image"))
    space.close()


def evaluated(bench):
    return bench.submit_zero_shot("d", "tiny", classes=CLASSES, prompts=PROMPTS).id


def test_a_run_survives_kills(tmp_path):
    model = bundle(tmp_path / "tiny")
    world(tmp_path / "space", model)
    chance = random.Random(SEED)
    with open_workspace(tmp_path / "space") as bench:
        forker, under_way = Forker(tmp_path / "space"), 0
        try:
            job = evaluated(bench)
            for kill in range(KILLS):
                worker = forker.worker()
                until(lambda k=kill: bench.job(job).attempts > k, "the claim")
                time.sleep(chance.uniform(0, LATEST))
                under_way += bench.job(job).state == "running"
                os.kill(worker, signal.SIGKILL)
            last = forker.worker()
            until(lambda: bench.job(job).state == "done", "the end of the job")
            os.kill(last, signal.SIGTERM)
        finally:
            forker.close()
        assert under_way  # some kill hit the middle
        (run,) = bench.zero_shot_runs("d")
        assert run.measures["top1"].n == ITEMS
        rows = bench.predictions(run.key, limit=ITEMS, sort=("row", "asc")).table["row"]
        assert rows.to_pylist() == list(range(ITEMS))
        assert [f for f in doctor.check(bench.workspace) if not f.harmless] == []
        gc.collect(bench.workspace)
        assert doctor.check(bench.workspace) == ()
