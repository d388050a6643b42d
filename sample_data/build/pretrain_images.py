"""The images of `pretrain`, rendered again from captions, sprites and seed by several processes."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
from PIL import Image

from sample_data.build import glyphs, pretrain, render

SIDE = 96
_CHUNK = 1000
_work: tuple[list[pretrain.Captioned], dict[str, Image.Image], int, np.ndarray] | None = None


def write(captions: Path, sprites: Path, folder: Path, seed: int, processes: int) -> Path:
    """Write folder/images.npy, uint8 (N, 96, 96, 3), row i the image of caption i.

    The same seed, captions and sprites give the same bytes, whatever the number of processes.
    """
    plans = pretrain.load(captions)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "images.npy.tmp"
    shape = (len(plans), SIDE, SIDE, 3)
    np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape).flush()
    starts = range(0, len(plans), _CHUNK)
    arguments = (captions, sprites, partial, seed)
    if processes == 1:
        _begin(*arguments)
        for start in starts:
            _fill(start)
    else:
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes, _begin, arguments) as pool:
            pool.map(_fill, starts, chunksize=1)
    os.replace(partial, folder / "images.npy")
    return folder / "images.npy"


def _begin(captions: Path, sprites: Path, target: Path, seed: int) -> None:
    global _work
    images = np.lib.format.open_memmap(target, mode="r+")
    _work = (pretrain.load(captions), glyphs.read_sprites(sprites), seed, images)


def _fill(start: int) -> None:
    if _work is None:
        raise RuntimeError("_begin must run first in every process")
    plans, sprites, seed, images = _work
    for index in range(start, min(start + _CHUNK, len(plans))):
        rng = pretrain.image_rng(seed, "pretrain", index, 1)
        images[index] = np.asarray(render.render(plans[index].scene, sprites, SIDE, rng))
