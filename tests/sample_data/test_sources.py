"""The Noto drawings of this machine against what was rendered when the world was built."""

import itertools
from pathlib import Path

import numpy as np
import PIL
import pytest

import sample_data
from sample_data.build import fingerprint, glyphs, pretrain, render
from sample_data.build.__main__ import SEED
from sample_data.build.concepts import load
from sample_data.build.sources import NOTO_FONT, Sources

needs_font = pytest.mark.skipif(
    not NOTO_FONT.is_file(), reason=f"needs Debian's fonts-noto-color-emoji ({NOTO_FONT})"
)


def noto(hexcode):
    nowhere = Path("nowhere")
    return glyphs.draw(Sources(NOTO_FONT, nowhere, nowhere, nowhere), "noto", hexcode)


@needs_font
def test_the_red_apple_is_red_and_the_green_apple_green():
    for hexcode, channel in (("1F34E", 0), ("1F34F", 1)):
        pixels = np.asarray(glyphs.sprite(noto(hexcode)))
        visible = pixels[pixels[..., 3] > 200][:, :3].mean(axis=0)
        assert visible.argmax() == channel


@needs_font
def test_an_emoji_that_the_font_does_not_know_has_no_drawing():
    assert noto("1F9FF-200D-1F9FF") is None


@needs_font
def test_the_first_hundred_images_are_the_recorded_ones():
    recorded = fingerprint.load(sample_data.ROOT / "pretrain" / "fingerprint.json")
    if recorded["pillow"] != PIL.__version__:
        pytest.skip(f"recorded with Pillow {recorded['pillow']}, this is {PIL.__version__}")
    plans = pretrain.load(sample_data.pretrain_captions())[: fingerprint.FIRST]
    shown = set(itertools.chain.from_iterable(planned.scene.concepts for planned in plans))
    codepoints = {c.id: c.codepoint for c in load(sample_data.concepts_file())}
    sprites = {key: glyphs.sprite(noto(codepoints[key])) for key in shown}
    images = np.stack(
        [
            np.asarray(
                render.render(
                    planned.scene, sprites, 96, pretrain.image_rng(SEED, "pretrain", index, 1)
                )
            )
            for index, planned in enumerate(plans)
        ]
    )
    assert fingerprint.digest(images) == recorded["first_100_images"]
