"""Every kind of image comes out as a person sees it; every bad one is refused with its reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from tests.importers.making import BLUE, GREEN, RED, corners, encoded, picture, png_header_only
from workbench.errors import BadImage
from workbench.importers.image import Limits, decode, probe

WHITE = (255, 255, 255)
# Where each EXIF orientation puts the stored corners (above left, above right, below left, below
# right), written down from the EXIF standard's table of rows and columns.
SEEN = {
    1: (RED, GREEN, BLUE, WHITE),
    2: (GREEN, RED, WHITE, BLUE),
    3: (WHITE, BLUE, GREEN, RED),
    4: (BLUE, WHITE, RED, GREEN),
    5: (RED, BLUE, GREEN, WHITE),
    6: (BLUE, RED, WHITE, GREEN),
    7: (WHITE, GREEN, BLUE, RED),
    8: (GREEN, WHITE, RED, BLUE),
}


def seen_corners(image: Image.Image) -> list[tuple[int, ...]]:
    right, below = image.width - 4, image.height - 4
    return [image.getpixel(at) for at in ((3, 3), (right, 3), (3, below), (right, below))]


def near(seen: tuple[int, ...], wanted: tuple[int, ...], slack: int = 12) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(seen, wanted, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    quality = {"quality": 95} if kind != "PNG" else {}
    data = encoded(corners(), kind, exif=exif, **quality)
    image, info = decode(data), probe(data)
    assert image.size == ((32, 48) if orientation >= 5 else (48, 32))
    assert (info.width, info.height, info.format) == (*image.size, kind)
    for seen, wanted in zip(seen_corners(image), SEEN[orientation], strict=True):
        assert near(seen, wanted), (orientation, seen, wanted)


def test_a_size_hint_counts_after_the_turn():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(corners((1600, 800)), "JPEG", exif=exif)
    assert decode(data, size_hint=(100, 200)).size == (100, 200)
    assert decode(data, size_hint=(100, 201)).size == (200, 400)
    assert decode(data, size_hint=(9999, 9999)).size == (800, 1600)


def test_cmyk_jpegs_are_adobe_inverted():
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # no cyan, full magenta and yellow: red
    data = encoded(cmyk, "JPEG", quality=95)
    assert b"Adobe" in data
    with Image.open(io.BytesIO(data)) as raw:  # the file's own samples: 255 - ink
        raw.tile = [tile._replace(args=("CMYK", *tile.args[1:])) for tile in raw.tile]
        stored = np.asarray(raw)[8, 8].astype(int)
    assert near(tuple(stored), (255, 0, 0, 255), 8)
    by_hand = tuple(int(c * stored[3] / 255) for c in stored[:3])
    assert near(decode(data).getpixel((8, 8)), by_hand, 8)
    assert near(decode(data).getpixel((8, 8)), (255, 0, 0), 8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("value", [0, 255, 256, 32768, 65535])
def test_16_bits_keep_their_high_byte(kind, value):
    image = Image.fromarray(np.full((4, 4), value, np.uint16))
    grey = value * 255 // 65535
    assert near(decode(encoded(image, kind)).getpixel((1, 1)), (grey,) * 3, 1)


def test_wide_integers_and_floats_are_brought_to_a_byte():
    def first(values, dtype):
        data = encoded(Image.fromarray(np.array([values], dtype)), "TIFF")
        return [pixel[0] for pixel in decode(data).get_flattened_data()]

    assert first([0, 7, 255], np.int32) == [0, 7, 255]
    assert first([0, 256, 65535], np.int32) == [0, 1, 255]
    assert first([-100, 0, 100], np.int32) == [0, 127, 255]
    assert first([0.0, 0.5, 1.0], np.float32) == [0, 128, 255]
    assert first([-1.0, 0.0, 3.0], np.float32) == [0, 64, 255]
    assert first([np.nan, 0.0, 1.0], np.float32) == [0, 0, 255]
    assert first([5.0, 5.0], np.float32) == first([5.0, 5.0], np.float32)


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (Image.new("RGBA", (8, 8), (0, 0, 0, 0)), {}),
        (Image.new("LA", (8, 8), (0, 0)), {}),
        (Image.new("P", (8, 8), 0), {"transparency": 0}),
        (Image.new("L", (8, 8), 7), {"transparency": 7}),
        (Image.new("RGB", (8, 8), (1, 2, 3)), {"transparency": (1, 2, 3)}),
    ],
    ids=["RGBA", "LA", "P", "L key", "RGB key"],
)
def test_transparency_is_laid_over_white(image, options):
    assert decode(encoded(image, "PNG", **options)).getpixel((4, 4)) == WHITE


def test_half_transparency_is_mixed_with_white():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    assert near(decode(encoded(image)).getpixel((4, 4)), (255, 127, 127), 1)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    data = encoded(Image.new(mode, (9, 7)), kind)
    image, info = decode(data), probe(data)
    assert (image.mode, image.size) == ("RGB", (9, 7))
    assert (info.width, info.height) == (9, 7)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts(kind):
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert probe(data).frames == 3
    assert near(decode(data).getpixel((8, 8)), RED, 4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "PPM"])
def test_every_promised_format_opens(kind):
    data = encoded(corners(), kind)
    assert probe(data).format == kind
    assert decode(data).size == (48, 32)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
@pytest.mark.filterwarnings("ignore:Truncated File Read")
def test_a_cut_off_file_is_refused(kind, keep):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    short = data[: int(len(data) * keep)]
    for read in (probe, decode):
        with pytest.raises(BadImage) as caught:
            read(short, name="cat")
        assert "damaged" in caught.value.got


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty file"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "an SVG drawing"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "a HEIC image"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(40), "a video or an unknown ISO media file"),
        (b"hello, I am no image\n", "text"),
        ("Grüße".encode() * 300, "text"),
        (b"<!DOCTYPE html><p>404", "a web page"),
        (b"%PDF-1.7", "a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript file"),
        (b"PK\x03\x04" + bytes(30), "a zip archive"),
        (bytes(100), "unknown data"),
        (b"\xff\xd8\xff" + bytes(9), "a damaged JPEG image"),
    ],
)
def test_what_is_no_image_is_named(data, reason):
    for read in (probe, decode):
        with pytest.raises(BadImage) as caught:
            read(data, name="thing.bin")
        assert reason in caught.value.got
        assert "thing.bin" in str(caught.value)


def test_a_bomb_is_refused_before_it_is_decoded():
    for size in ((60_000, 60_000), (20_000, 10_000), (2**31 - 1, 2**31 - 1)):
        with pytest.raises(BadImage) as caught:
            probe(png_header_only(*size))
        assert "pixels" in caught.value.got


def test_a_compressed_text_bomb_in_a_png_is_refused():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("bomb", "x" * 3_000_000, zip=True)
    with pytest.raises(BadImage):
        probe(encoded(Image.new("RGB", (4, 4)), pnginfo=info))


def test_limits_can_be_lowered():
    data = picture(size=(100, 100))
    with pytest.raises(BadImage, match="100 × 100 pixels"):
        decode(data, limits=Limits(max_pixels=9_999))
    with pytest.raises(BadImage, match="more than the limit"):
        probe(data, limits=Limits(max_bytes=10))
    assert probe(data, limits=Limits(max_pixels=10_000)).width == 100


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.filterwarnings("ignore:Possibly corrupt EXIF")
def test_a_broken_exif_block_does_not_spoil_the_picture():
    data = picture()
    block = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + b"\xee" * 30
    broken = data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:]
    assert probe(broken).width == 32
    assert near(decode(broken).getpixel((5, 5)), RED)


def test_a_silly_orientation_is_passed_over():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert decode(encoded(corners(), "JPEG", exif=exif)).size == (48, 32)


def test_a_camera_jpeg_with_a_second_picture_is_a_jpeg():
    data = encoded(corners(), "MPO", save_all=True, append_images=[corners()])
    assert (probe(data).format, probe(data).frames) == ("JPEG", 1)
    assert decode(data).size == (48, 32)


def test_a_tiff_without_pixels_is_refused():
    directory = ImageFileDirectory_v2()
    directory[256] = 10
    buffer = io.BytesIO(b"II*\x00\x08\x00\x00\x00")
    buffer.seek(8)
    buffer.write(directory.tobytes(8))
    with pytest.raises(BadImage):
        probe(buffer.getvalue())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"]),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8),
    st.integers(0, 400),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_damage_ever_raises_anything_else(kind, changes, cut):
    data = bytearray(encoded(corners(), kind))
    for at, value in changes:
        data[at % len(data)] = value
    broken = bytes(data[: max(1, len(data) - cut)])
    for read in (probe, decode):
        try:
            assert min(read(broken).width, read(broken).height) >= 1
        except BadImage as error:
            assert error.got
