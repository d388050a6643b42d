import numpy as np
import pytest
import torch
from PIL import Image

from sample_data.train import architecture, batches
from workbench.errors import InputError
from workbench.gpu.limoe import batches as cutting


def some_pairs(rows: int = 10, side: int = 96) -> batches.Pairs:
    images = np.random.default_rng(0).integers(0, 256, (rows, side, side, 3), dtype=np.uint8)
    return batches.Pairs(images, torch.arange(rows)[:, None].repeat(1, 4))


@pytest.mark.parametrize("batch", [3, 4, 7, 23])
def test_every_epoch_visits_every_pair_once(batch):
    rows = 10
    seen = [batches.rows_of(5, step, batch, rows) for step in range(-(-3 * rows // batch))]
    epochs = np.concatenate(seen)[: 3 * rows].reshape(3, rows)
    assert all(sorted(epoch) == list(range(rows)) for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()


def test_a_batch_depends_on_seed_and_step_alone():
    pairs = some_pairs()
    one, tokens = batches.batch_at(pairs, 3, batch=4, seed=7)
    two, again = batches.batch_at(pairs, 3, batch=4, seed=7)
    other, _ = batches.batch_at(pairs, 3, batch=4, seed=8)
    assert torch.equal(one, two)
    assert torch.equal(tokens, again)
    assert not torch.equal(one, other)
    assert one.shape == (4, 3, architecture.IMAGE_SIZE, architecture.IMAGE_SIZE)
    assert one.dtype == torch.float32


def test_tokens_stay_with_their_images():
    images = np.repeat(np.arange(8, dtype=np.uint8) * 20, 96 * 96 * 3).reshape(8, 96, 96, 3)
    pairs = batches.Pairs(images, torch.arange(8)[:, None])
    pixels, tokens = batches.batch_at(pairs, 0, batch=8, seed=0)
    level = (pixels * 0.25 + 0.5).mean((1, 2, 3)) * 255
    expected = tokens[:, 0] * 20
    assert ((level - expected).abs() <= 0.22 * expected + 1).all()


def test_an_uncropped_picture_looks_as_in_use(monkeypatch):
    smooth = np.linspace(0, 255, 96).astype(np.uint8)[None, :, None] * np.ones((96, 1, 3), np.uint8)
    monkeypatch.setattr(cutting, "SMALLEST_CROP", 1.0)
    monkeypatch.setattr(cutting, "jitter", lambda batch, _rng: torch.ones(batch, 3, 1, 1))
    pixels, _ = batches.batch_at(
        batches.Pairs(smooth[None], torch.zeros(1, 1, dtype=torch.int64)), 0, batch=1, seed=0
    )
    resized = Image.fromarray(smooth).resize((64, 64), Image.Resampling.BICUBIC)
    expected = (np.asarray(resized, dtype=np.float32) / 255 - 0.5) / 0.25
    assert np.abs(pixels[0].permute(1, 2, 0).numpy() - expected).max() < 0.02


def test_whole_pictures_look_as_in_use():
    smooth = np.linspace(0, 255, 96).astype(np.uint8)[None, :, None] * np.ones((96, 1, 3), np.uint8)
    resized = Image.fromarray(smooth).resize((64, 64), Image.Resampling.BICUBIC)
    expected = (np.asarray(resized, dtype=np.float32) / 255 - 0.5) / 0.25
    found = cutting.whole(smooth[None], 64)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - expected).max() < 0.02


def test_missing_or_misfitting_images_are_named(tmp_path):
    with pytest.raises(InputError, match=r"images\.npy is missing"):
        batches.open_images(tmp_path, 3)
    np.save(tmp_path / "images.npy", np.zeros((2, 8, 8, 3), np.uint8))
    assert batches.open_images(tmp_path, 2).shape == (2, 8, 8, 3)
    with pytest.raises(InputError, match=r"\(3, S, S, 3\)"):
        batches.open_images(tmp_path, 3)
