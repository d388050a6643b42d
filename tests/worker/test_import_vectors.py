"""Vectors that come along land on the rows of their items, under a model that says what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.importers.making import picture, write_folder
from tests.worker.import_world import column, run, skipped
from workbench.errors import InputError, MissingWeights, UnknownName
from workbench.worker import import_job
from workbench.worker.import_vectors import placeholder

DIM, COUNTS = 8, (5, 3)


@pytest.fixture
def output(tmp_path):
    """clip-retrieval output of two partitions; row 1 has no caption, row 3 a broken image."""
    root = tmp_path / "out"
    broken = {"good.jpg": picture(), "broken.jpg": b"not an image"}
    write_folder(root, broken)
    rng, row = np.random.default_rng(0), 0
    for folder in ("img_emb", "text_emb", "metadata"):
        (root / folder).mkdir()
    for number, count in enumerate(COUNTS):
        for folder in ("img_emb", "text_emb"):
            vectors = rng.normal(size=(count, DIM)).astype(np.float32) * 3
            np.save(root / folder / f"{folder}_{number}.npy", vectors)
        names = ["broken.jpg" if r == 3 else "good.jpg" for r in range(row, row + count)]
        captions = [None if r == 1 else f"caption {r}" for r in range(row, row + count)]
        table = pa.table({"image_path": names, "caption": captions})
        pq.write_table(table, root / "metadata" / f"metadata_{number}.parquet")
        row += count
    return root


def expected(root, folder):
    array = np.concatenate([np.load(root / folder / f"{folder}_{n}.npy") for n in (0, 1)])
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def stored(workspace, model, side, rows):
    return workspace.vectors.take("d", workspace.catalog.model(model).key, side, rows)


def check(workspace, output, model, *, start=0, first_caption=0):
    image, text = expected(output, "img_emb"), expected(output, "text_emb")
    rows = np.arange(start, start + 8)
    np.testing.assert_allclose(stored(workspace, model, "image", rows), image, atol=1e-3)
    rows = np.arange(first_caption, first_caption + 7)
    kept = np.delete(text, 1, axis=0)
    np.testing.assert_allclose(stored(workspace, model, "caption", rows), kept, atol=1e-3)


def test_they_arrive_without_embedding(workspace, output):
    result = run(workspace, output)
    assert result["imported"] == 8
    assert result["vectors"] == {"image": 8, "caption": 7}
    assert result["model"] == "imported:d"
    check(workspace, output, "imported:d")
    model = workspace.catalog.model("imported:d")
    assert (model.state, model.dim, model.weights) == ("missing", DIM, "vectors only")
    assert "import again with the option model" in model.note
    assert {info.complete for info in workspace.vectors.all()} == {True}
    job = workspace.jobs.list()[0]
    assert (job.done, job.total) == (8, 8)


def test_a_broken_image_keeps_its_row_and_vector(workspace, output):
    run(workspace, output)
    uris = column(workspace, "uri")
    assert [i for i, uri in enumerate(uris) if uri is None] == [3]
    assert skipped(workspace) == {"0/3": "text"}


def test_again_adds_nothing(workspace, output):
    run(workspace, output)
    before = workspace.vectors.all(), workspace.catalog.dataset("d")
    again = run(workspace, output)
    assert (again["imported"], again["already"]) == (0, 8)
    assert again["vectors"] == {"image": 0, "caption": 0}
    assert (workspace.vectors.all(), workspace.catalog.dataset("d")) == before


def test_they_find_their_rows_behind_other_items(workspace, output, tmp_path, monkeypatch):
    monkeypatch.setattr(import_job, "PART_ENTRIES", 3)
    other = write_folder(tmp_path / "other", {"x.jpg": picture(), "y.jpg": picture()})
    (other / "t.csv").write_text("image,caption\nx.jpg,one\ny.jpg,two\n")
    run(workspace, other / "t.csv")
    run(workspace, output)
    check(workspace, output, "imported:d", start=2, first_caption=2)
    key = workspace.catalog.model("imported:d").key
    assert workspace.vectors.missing("d", key, "image") == [(0, 2)]


def test_stopped_between_two_blocks_it_goes_on(workspace, output, monkeypatch):
    real, calls = workspace.vectors.write, []

    def write(*args, **options):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args, **options)

    monkeypatch.setattr(workspace.vectors, "write", write)
    with pytest.raises(KeyboardInterrupt):
        run(workspace, output)
    monkeypatch.undo()
    workspace.jobs.mark_cancelled(workspace.jobs.list()[0].id, "w")
    result = run(workspace, output)
    assert result["vectors"] == {"image": 3, "caption": 7}
    check(workspace, output, "imported:d")


def test_under_a_registered_model(workspace, output):
    model = replace(placeholder("x", DIM), key="abc", name="mine", state="ready")
    workspace.catalog.add_model(model)
    workspace.catalog.add_model(replace(model, key="def", name="wide", dim=DIM + 1))
    result = run(workspace, output, model="mine")
    assert result["model"] == "mine"
    check(workspace, output, "mine")
    with pytest.raises(InputError, match="9 dimensions"):
        run(workspace, output, "e", model="wide")
    with pytest.raises(UnknownName, match="model 'none'"):
        run(workspace, output, "f", model="none")


def test_asked_to_encode_the_placeholder_says_why_it_cannot(tmp_path):
    from workbench.gpu import registry

    with pytest.raises(MissingWeights, match=r"no weights.*Register that model and import again"):
        registry.load(placeholder("d", DIM), None, tmp_path, None)


def test_vectors_without_direction_fail_the_job_by_name(workspace, output):
    vectors = np.load(output / "img_emb" / "img_emb_1.npy")
    vectors[2] = 0
    np.save(output / "img_emb" / "img_emb_1.npy", vectors)
    with pytest.raises(InputError, match=r"img_emb_1\.npy.*row 2"):
        run(workspace, output)
    assert workspace.catalog.dataset("d").items == 8
