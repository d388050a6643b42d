"""Batches of a dataset: which images, which captions, and what becomes of files that went."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.worker.embed_world import fill
from workbench.errors import InputError
from workbench.gpu.limoe.recipe import Recipe
from workbench.worker import train_pairs
from workbench.worker.train_pairs import DatasetPairs, Pictures, captioned

RECIPE = Recipe(image_size=16, patch_size=8, batch=8, seed=3)
LOG = logging.getLogger("test")


def tokens(texts):
    """Which picture a caption of ``embed_world`` tells, and which of its two captions it is."""
    words = [text.split() for text in texts]
    return torch.tensor([[int(word[1]), "ab".index(word[2])] for word in words])


@pytest.fixture
def pairs(space, tmp_path):
    made = []

    def open_pairs(recipe=RECIPE, images=60, **given):
        if not made:
            fill(space, tmp_path / "in", images, **given)
        made.append(DatasetPairs(space, captioned(space, "d"), recipe, tokens, LOG))
        return made[-1]

    yield open_pairs
    for each in made:
        each.close()


def test_an_epoch_visits_each_item_once_and_none_that_is_held_out(pairs):
    found = pairs()
    assert (len(found.training), len(found.watched)) == (54, 6)
    seen = torch.cat([found.batch(step)[1][:, 0] for step in range(27)]).tolist()  # 4 epochs
    assert sorted(seen) == sorted(found.training.tolist() * 4)
    assert found.held_out()[1][:, 0].tolist() == found.watched.tolist()


def test_both_captions_of_an_item_come_in_turn(pairs):
    found = pairs()
    second = torch.cat([found.batch(step)[1][:, 1] for step in range(40)]).float().mean()
    assert 0.4 < second < 0.6
    assert found.held_out()[1][:, 1].sum() == 0


def test_a_batch_depends_on_seed_and_step_alone(pairs):
    first, again = pairs(), pairs()
    for step in range(5):
        first.batch(step)
    for one, other in zip(first.batch(7), again.batch(7), strict=True):
        assert torch.equal(one, other)
    elsewhere = pairs(replace(RECIPE, seed=4))
    assert not torch.equal(first.batch(7)[1], elsewhere.batch(7)[1])
    assert first.watched.tolist() == elsewhere.watched.tolist()


def test_pictures_that_do_not_stay_in_memory_are_the_same(pairs, monkeypatch):
    kept = pairs()
    monkeypatch.setattr(train_pairs, "Pictures", lambda load: Pictures(load, room=2000))
    dropped = pairs()
    for step in range(9):
        assert torch.equal(kept.batch(step)[0], dropped.batch(step)[0])
    assert len(dropped._pictures._kept) == 2  # of 18 x 18 x 3 bytes each


def test_pixels_are_those_of_the_picture(pairs, tmp_path):
    found = pairs()
    pixels, told = found.held_out()
    assert pixels.shape == (6, 3, 16, 16) and pixels.dtype == torch.float32
    from PIL import Image

    path = tmp_path / "in" / f"{int(told[0, 0]):04}.png"
    picture = np.asarray(Image.open(path).convert("RGB"), dtype=np.float32)
    centre = picture.mean(axis=(0, 1))
    seen = ((pixels[0] * 0.25 + 0.5) * 255).mean(dim=(1, 2)).numpy()
    assert np.abs(seen - centre).max() < 25  # the middle square of a wider picture


def test_an_image_that_went_is_replaced_by_the_next_and_named(pairs, space, tmp_path, caplog):
    found = pairs()
    gone = int(found.training[10])
    (tmp_path / "in" / f"{gone:04}.png").unlink()
    with caplog.at_level(logging.WARNING):
        seen = torch.cat([found.batch(step)[1][:, 0] for step in range(27)]).tolist()
    after = int(found.training[11])
    assert gone not in seen and seen.count(after) == 8
    assert list(found.unreadable) == [f"{gone:04}.png"]
    assert f"{gone:04}.png" in caplog.text


def test_a_folder_that_went_ends_the_training_with_names(pairs, tmp_path):
    found = pairs()
    for path in (tmp_path / "in").glob("*.png"):
        path.unlink()
    with pytest.raises(InputError, match=r"of 60 images cannot be read.*\.png \("):
        found.batch(0)
    with pytest.raises(InputError, match="cannot be read"):
        found.held_out()


def test_items_without_image_or_without_words_are_left_out(space, tmp_path):
    fill(space, tmp_path / "in", 60, bare=(0, 5, 59))
    table = pa.table({"item_index": pa.array([0, 1], pa.int64()), "text": ["  ", "\n"]})
    items = pa.table(
        {
            "item": ["x", "y"],
            "uri": ["/x", "/y"],
            "offset": pa.array([0, 0], pa.int64()),
            "length": pa.array([1, 1], pa.int64()),
        }
    )
    space.tables.append("d", items, table)
    found = captioned(space, "d")
    names = found.places["item"].to_pylist()
    assert len(found) == 57 and not {"0000.png", "0005.png", "x", "y"} & set(names)
    for place in (0, 30, 56):
        number = int(names[place][:4])
        told = list(found.captions(np.array([place])))
        assert told == [f"picture {number} a", f"picture {number} b"]


def test_too_few_items_and_too_large_batches_are_refused(pairs, space, tmp_path):
    with pytest.raises(InputError, match="at most 54, the items to train on"):
        pairs(replace(RECIPE, batch=55))
    fill_few = [number for number in range(60) if number > 18]
    space.catalog.delete_dataset("d")
    fill(space, tmp_path / "few", 60, bare=tuple(fill_few))
    with pytest.raises(InputError, match=r"at least 20 images with a caption.*got 19"):
        captioned(space, "d")
