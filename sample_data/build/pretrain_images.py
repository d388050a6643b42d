"""The images of `pretrain`, rendered again from captions, sprites and seed by several processes."""

import multiprocessing
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from sample_data.build import glyphs, pretrain, render

SIDE = 96
_CHUNK = 1000


def write(captions: Path, sprites: Path, folder: Path, *, seed: int, processes: int) -> Path:
    """Write folder/images.npy, uint8 (N, 96, 96, 3), row i the image of caption i.

    The same seed, captions and sprites give the same bytes, whatever the number of processes.
    """
    rows = len(pretrain.load(captions))
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "images.npy.tmp"
    np.lib.format.open_memmap(
        unfinished, mode="w+", dtype=np.uint8, shape=(rows, SIDE, SIDE, 3)
    ).flush()
    fill = partial(_fill, captions, sprites, unfinished, seed)
    starts = range(0, rows, _CHUNK)
    if processes == 1:
        for start in starts:
            fill(start)
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            pool.map(fill, starts, chunksize=1)
    return unfinished.replace(folder / "images.npy")


@lru_cache(maxsize=1)
def _opened(
    captions: Path, sprites: Path
) -> tuple[list[pretrain.Captioned], dict[str, Image.Image]]:
    """What every chunk needs, read once in each process."""
    return pretrain.load(captions), glyphs.read_sprites(sprites)


def _fill(captions: Path, sprites: Path, target: Path, seed: int, start: int) -> None:
    plans, drawings = _opened(captions, sprites)
    images = np.lib.format.open_memmap(target, mode="r+")
    for index in range(start, min(start + _CHUNK, len(plans))):
        rng = pretrain.image_rng(seed, "pretrain", index, 1)
        images[index] = np.asarray(render.render(plans[index].scene, drawings, SIDE, rng))
    images.flush()
