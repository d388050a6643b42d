"""REAL-Linear through the job: images of another dataset, found by their captions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tests.api.toys import MODEL, png, unit
from tests.api.zero_shot_world import Control, Encoder, evaluate, fill
from workbench.api import Retrieval, open_workspace
from workbench.errors import InputError
from workbench.prompts.classes import ClassSet
from workbench.worker import count_job, zero_shot_job
from workbench.worker.retrieved import caption_pairs, retrieved

CLASSES = ClassSet(("cat", "dog", "fox"))
CAPTIONS = (
    ("a cat", "my cat sleeps"),
    ("a cat and a dog",),
    ("a dog", "the dog again"),
    ("nothing here",),
)
VECTORS = ((1.0, 0.0), (0.7, 0.7), (0.1, 0.9), (0.0, 0.0))


@pytest.fixture
def world(tmp_path):
    """The pets, and ``walks`` with captions and vectors of its own."""
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        space = bench.workspace
        space.catalog.ensure_dataset("walks", importer="test", source="", info={})
        sources = space.tables.put_blob("walks", [png((9, n, 9)) for n in range(4)])
        items = {"item": [f"w{n}" for n in range(4)]}
        for name in ("uri", "offset", "length"):
            items[name] = [getattr(source, name) for source in sources]
        texts = [(place, text) for place, each in enumerate(CAPTIONS) for text in each]
        captions = pa.table(
            {"item_index": [place for place, _ in texts], "text": [text for _, text in texts]}
        )
        space.tables.append("walks", pa.table(items), captions)
        space.vectors.write("walks", MODEL.key, "image", 0, unit(VECTORS), dtype="float32")
        bench.counted_key = _count(bench)
        yield bench


def _count(bench):
    bench.submit_count("walks", classes=CLASSES)
    job = bench.workspace.jobs.claim("w")
    result = count_job.run(job, bench.workspace, Control(Encoder()))
    bench.workspace.jobs.finish(job.id, "w", result)
    return result["run"]


def test_pairs_of_captions_and_classes(world):
    captions, concepts = caption_pairs(world.workspace, world.workspace.runs.get(world.counted_key))
    pairs = list(zip(captions.tolist(), concepts.tolist(), strict=True))
    assert pairs == [(0, 0), (1, 0), (2, 0), (2, 1), (3, 1), (4, 1)]


def test_images_come_once_for_each_class_that_their_captions_name(world):
    texts = unit([(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
    support, note = retrieved(
        world.workspace,
        Retrieval(world.counted_key, 10),
        MODEL.key,
        texts=texts,
        starts=np.arange(4),
        seed=0,
    )
    assert support.labels.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(support.vectors, unit([VECTORS[n] for n in (0, 1, 1, 2)]))
    assert "4 images of walks" in note and "2 of 3 classes" in note and "at random" in note


def test_a_run_says_what_it_learned_from(world):
    asked = {"classes": CLASSES, "head": "real-linear", "retrieve": Retrieval(world.counted_key, 5)}
    run = world.zero_shot_run(evaluate(world, **asked))
    assert run.measures["top1"].n == 7  # nothing of the pets was taken away to learn from
    assert "images of walks were learned from" in " ".join(run.notes)


def test_what_cannot_be_retrieved_is_refused(world):
    other = ClassSet(("cat", "dog"))
    for asked in (
        {"classes": CLASSES},
        {"classes": other, "retrieve": Retrieval(world.counted_key)},
    ):
        with pytest.raises(InputError):
            world.submit_zero_shot("pets", "toy", head="real-linear", **asked)
    with pytest.raises(InputError):
        Retrieval(world.counted_key, 0)


def test_a_run_is_made_again_with_what_it_retrieves(world):
    """The same question as one asked by hand: one run, one key."""
    run = evaluate(world, classes=CLASSES)
    (count,) = world.retrievable(run)
    assert count.key == world.counted_key
    assert world.retrieved_run(run, count.key, 5) is None
    job = world.submit_retrieved(run, count.key, 5)
    claimed = world.workspace.jobs.claim("w")
    assert claimed.id == job.id
    found = zero_shot_job.run(claimed, world.workspace, Control(Encoder()))["run"]
    world.workspace.jobs.finish(job.id, "w", {"run": found})
    assert world.retrieved_run(run, count.key, 5) == found
    asked = {"classes": CLASSES, "head": "real-linear", "retrieve": Retrieval(count.key, 5)}
    assert evaluate(world, **asked) == found
    assert world.compare(run, found).difference.n == 7
