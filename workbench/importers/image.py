"""Bytes of an image -> its size and format, or RGB pixels; what cannot be trusted is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from workbench.errors import BadImage
from workbench.importers.sniff import what_it_is

__all__ = ["FORMATS", "LIMITS", "ImageInfo", "Limits", "decode", "probe"]

_PLUGINS = {
    "JPEG": JpegImagePlugin,  # also opens MPO, a camera's JPEG with a second picture in it
    "PNG": PngImagePlugin,
    "GIF": GifImagePlugin,
    "WEBP": WebPImagePlugin,
    "BMP": BmpImagePlugin,
    "TIFF": TiffImagePlugin,
    "AVIF": AvifImagePlugin,
    "JPEG2000": Jpeg2KImagePlugin,
    "PPM": PpmImagePlugin,
}
FORMATS = tuple(name for name in _PLUGINS if name in Image.OPEN)
"""What is opened. A closed list: Pillow also knows formats that start other programs (EPS). Those
that this build of Pillow lacks (AVIF, perhaps) are left out, since asking for them is an error."""

_SUPPORTED = "a JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF, JPEG 2000 or PPM image"
_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the turn that sets the picture upright."""


@dataclass(frozen=True)
class Limits:
    """How large an image may be before it is refused undecoded.

    Args:
        max_pixels: width × height of one frame; the default is where Pillow speaks of a bomb.
        max_bytes: length of the file, or of its span in a container.
    """

    max_pixels: int = 178_956_970
    max_bytes: int = 256 * 2**20


LIMITS = Limits()

# Pillow warns from this number on, and refuses from twice the number: with the default it would
# already warn of images at half of our limit.
Image.MAX_IMAGE_PIXELS = LIMITS.max_pixels


@dataclass(frozen=True)
class ImageInfo:
    """What is known of an image that decodes.

    Args:
        width, height: pixels, as a person sees it (after EXIF orientation).
        format: ``JPEG``, ``PNG``, ``GIF``, ``WEBP``, ``BMP``, ``TIFF``, ``AVIF``, ``JPEG2000``
            or ``PPM``.
        frames: images inside an animation or a TIFF; only the first is ever used.
    """

    width: int
    height: int
    format: str
    frames: int


def probe(data: bytes, *, name: str = "image", limits: Limits = LIMITS) -> ImageInfo:
    """Size, format and number of frames of an image, after reading it to its last byte.

    JPEGs are decoded at an eighth of their size: every byte is still read, so a file that is cut
    off is found, at a fraction of the time.

    Args:
        data: the whole file.
        name: what to call it in the error.
        limits: what is too large.

    Raises:
        BadImage: empty, too large, not a supported image, or damaged; ``error.got`` is the
            reason alone, without the name.
    """
    with _opened(data, name, limits) as image:
        size, kind = image.size, image.format
        if kind in ("JPEG", "MPO"):
            image.draft("L" if image.mode == "RGB" else None, (1, 1))
            image.load()
        else:
            image.load()
            size = image.size  # TIFF turns itself upright while loading
        width, height = size[::-1] if _orientation(image) >= 5 else size
        return ImageInfo(width, height, _format(kind), _frames(image))


def decode(
    data: bytes,
    *,
    size_hint: tuple[int, int] | None = None,
    name: str = "image",
    limits: Limits = LIMITS,
) -> Image.Image:
    """The picture as a person sees it, in RGB, 8 bits a channel.

    EXIF orientation is applied. CMYK JPEGs are read in Adobe's inverted convention, as browsers
    do. 16-bit values keep their high byte; wider integers and floats are brought to 0..255 by
    their range (see ``_narrow``). Transparency is laid over white. Of an animation the first
    frame counts. Colour profiles are not applied, as in CLIP's own preprocessing.

    Args:
        data: the whole file.
        size_hint: (width, height) that will be needed; a JPEG is then decoded at the smallest
            of 1/1, 1/2, 1/4, 1/8 of its size that is no smaller. None: full size.
        name: what to call it in the error.
        limits: what is too large.

    Raises:
        BadImage: as for ``probe``.
    """
    with _opened(data, name, limits) as image:
        turn = _orientation(image) if image.format in ("JPEG", "MPO") else 1
        if size_hint is not None:
            image.draft(None, size_hint[::-1] if turn >= 5 else size_hint)
        image.load()
        transpose = _TURN.get(_orientation(image))
        rgb = _to_rgb(image)
        return rgb if transpose is None else rgb.transpose(transpose)


@contextmanager
def _opened(data: bytes, name: str, limits: Limits) -> Iterator[ImageFile.ImageFile]:
    if not data:
        raise _refusal(name, "an empty file")
    if len(data) > limits.max_bytes:
        raise _refusal(name, f"{len(data):,} bytes, more than the limit of {limits.max_bytes:,}")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _check_pixels(image, name, limits)
            yield image
    except BadImage:
        raise
    except UnidentifiedImageError as error:
        raise _refusal(name, what_it_is(data)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refusal(name, f"a decompression bomb ({error})") from error
    except Exception as error:  # untrusted bytes: Pillow's parsers raise almost anything
        reason = str(error) or type(error).__name__
        raise _refusal(name, f"a damaged image ({reason})") from error


def _refusal(name: str, reason: str) -> BadImage:
    return BadImage(f"{name} cannot be used", expected=_SUPPORTED, got=reason)


def _check_pixels(image: Image.Image, name: str, limits: Limits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        got = f"{width} × {height} pixels, more than the limit of {limits.max_pixels:,}"
        raise _refusal(name, got)


def _format(kind: str | None) -> str:
    # A camera's JPEG with a second picture in it is an MPO to Pillow, a JPEG to everybody else.
    return "JPEG" if kind == "MPO" else str(kind)


def _frames(image: Image.Image) -> int:
    if image.format == "MPO":
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # the first frame is whole, and no other is ever used
        return 1


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # a broken EXIF block does not spoil the picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_narrow(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        paper.alpha_composite(rgba)
        return paper.convert("RGB")
    return image.convert("RGB")


def _narrow(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey values of any width -> 0..255.

    16 bits: the high byte. Wider integers: as they are up to 255, the high byte of 16 up to
    65535, beyond that (or below 0) stretched from the smallest to the largest. Floats: times
    255 within [0, 1], otherwise stretched; not-a-number is black.
    """
    if values.dtype.itemsize == 2:
        return (values >> 8).astype(np.uint8)
    wide = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(wide.min()), float(wide.max())
    if low < 0 or high > 65535 or (values.dtype.kind == "f" and high > 1):
        wide = (wide - low) / (high - low) * 255 if high > low else wide * 0
    elif values.dtype.kind == "f":
        wide = wide * 255
    elif high > 255:
        wide = wide // 256
    return (wide + (0.5 if values.dtype.kind == "f" else 0)).astype(np.uint8)
