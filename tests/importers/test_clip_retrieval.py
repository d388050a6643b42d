"""clip-retrieval's vectors arrive with the rows they belong to."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.importers.making import picture
from workbench.errors import InputError
from workbench.importers.clip_retrieval import ClipRetrieval
from workbench.importers.location import read
from workbench.importers.register import find

IMPORTER = ClipRetrieval()
DIM = 6


def write(root, counts=(3, 2), *, text=True, captions=("a", None, " ", "b", "c"), names=str):
    """Two partitions; row r of all has image vector (r + 1) × e_(r mod 6), text its reverse."""
    rows = np.arange(sum(counts))
    image = np.eye(DIM)[rows % DIM] * (rows[:, None] + 1)
    (root / "pic.jpg").write_bytes(picture())
    start = 0
    for number, count in enumerate(counts):
        span = slice(start, start + count)
        for folder, array in (("img_emb", image), ("text_emb", image[:, ::-1])):
            if folder == "img_emb" or text:
                (root / folder).mkdir(exist_ok=True)
                part = array[span].astype(np.float16)
                np.save(root / folder / f"{folder}_{names(number)}.npy", part)
        columns = {
            "image_path": [str(root / "pic.jpg") if r % 2 else f"gone/{r}.jpg" for r in rows[span]],
            "caption": list(captions[span]),
            "similarity": [float(r) for r in rows[span]],
            "key": [f"{r:09}" for r in rows[span]],
        }
        (root / "metadata").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), root / "metadata" / f"metadata_{names(number)}.parquet")
        start += count
    return root


def blocks(root, side):
    found = [block for block in IMPORTER.vectors(root) if block.side == side]
    ends = [block.start + len(block.array) for block in found]
    assert [block.start for block in found] == [0, *ends[:-1]]
    return np.concatenate([block.array for block in found])


def test_rows_and_vectors_are_in_line(tmp_path):
    root = write(tmp_path)
    assert find(root).key == "clip-retrieval"
    records = list(IMPORTER.records(root))
    assert [record.key for record in records] == ["0/0", "0/1", "0/2", "1/0", "1/1"]
    assert [record.captions for record in records] == [("a",), (), (), ("b",), ("c",)]
    assert [record.meta["similarity"] for record in records] == [0, 1, 2, 3, 4]
    assert [record.source is None for record in records] == [True, False, True, False, True]
    assert read(records[1].source) == picture()
    image = blocks(root, "image")
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, np.eye(DIM)[:5], atol=1e-6)
    np.testing.assert_allclose(blocks(root, "caption"), np.eye(DIM)[[0, 3, 4]][:, ::-1], atol=1e-6)
    assert IMPORTER.info(root) == {"dim": DIM, "vectors": {"image": 5, "caption": 5}}
    seen = IMPORTER.preview(root, limit=2)
    assert (seen.total, seen.vectors, seen.images, seen.captions) == (5, True, True, True)
    assert seen.notes[0] == "2 file(s), 5 image and 5 caption vectors of 6 dimensions."


def test_numbers_order_the_files(tmp_path):
    root = write(tmp_path, (1,) * 5, names=lambda number: f"{(7, 8, 9, 10, 11)[number]:02}")
    assert [r.key for r in IMPORTER.records(root)] == ["7/0", "8/0", "9/0", "10/0", "11/0"]
    np.testing.assert_allclose(blocks(root, "image"), np.eye(DIM)[:5], atol=1e-6)


def test_large_files_come_in_blocks(tmp_path):
    (tmp_path / "img_emb").mkdir()
    vectors = np.random.default_rng(0).normal(size=(5000, 8)).astype(np.float32)
    np.save(tmp_path / "img_emb" / "img_emb_0.npy", vectors)
    found = list(IMPORTER.vectors(tmp_path))
    assert [len(block.array) for block in found] == [2048, 2048, 904]
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(blocks(tmp_path, "image"), vectors / norms, atol=1e-6)
    assert sum(1 for _ in IMPORTER.records(tmp_path)) == IMPORTER.total(tmp_path) == 5000


def test_text_vectors_without_texts_are_left_out(tmp_path):
    root = write(tmp_path)
    for file in (root / "metadata").iterdir():
        pq.write_table(pq.read_table(file).drop_columns(["caption"]), file)
    assert {block.side for block in IMPORTER.vectors(root)} == {"image"}
    assert "left out" in IMPORTER.preview(root).notes[1]


def test_rows_that_are_not_in_line_are_refused(tmp_path):
    root = write(tmp_path)
    np.save(root / "text_emb" / "text_emb_1.npy", np.ones((7, DIM)))
    with pytest.raises(InputError, match=r"number 1: .*7 in text_emb_1\.npy"):
        list(IMPORTER.records(root))


def test_a_missing_file_is_named(tmp_path):
    root = write(tmp_path)
    (root / "metadata" / "metadata_1.parquet").unlink()
    with pytest.raises(InputError, match="none with number 1"):
        IMPORTER.preview(root)


def test_other_dimensions_are_refused(tmp_path):
    root = write(tmp_path)
    np.save(root / "text_emb" / "text_emb_1.npy", np.ones((2, 9)))
    with pytest.raises(InputError, match="one dimension"):
        IMPORTER.info(root)


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, DIM)), np.full((2, DIM), np.nan), np.full((2, DIM), np.inf)],
    ids=["zero", "nan", "inf"],
)
def test_vectors_without_direction_are_refused(tmp_path, array):
    root = write(tmp_path)
    np.save(root / "img_emb" / "img_emb_1.npy", array)
    with pytest.raises(InputError, match=r"img_emb_1\.npy.*row 0"):
        list(IMPORTER.vectors(root))


@pytest.mark.parametrize(
    "array", [np.ones(4), np.ones((2, DIM), int), np.array([{"evil": 1}])], ids=["1d", "int", "obj"]
)
def test_what_is_no_matrix_of_floats_is_refused(tmp_path, array):
    root = write(tmp_path)
    np.save(root / "img_emb" / "img_emb_1.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=r"img_emb_1\.npy"):
        list(IMPORTER.records(root))
