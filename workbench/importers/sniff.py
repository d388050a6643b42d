"""Names what a file is, from its first bytes, for people whose file is no image we read."""

from __future__ import annotations

__all__ = ["what_it_is"]

_MAGIC = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PAR1", "a Parquet file"),
    (b"II*\x00", "a damaged TIFF image"),
    (b"MM\x00*", "a damaged TIFF image"),
    (b"\xff\xd8\xff", "a damaged JPEG image"),
    (b"\x89PNG", "a damaged PNG image"),
    (b"GIF8", "a damaged GIF image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
)
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def what_it_is(data: bytes) -> str:
    """A short name with its article, e.g. ``an SVG drawing``; of last resort ``unknown data``.

    Args:
        data: the file, or at least its first kilobyte.
    """
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[4:8] == b"ftyp":
        return "a HEIC image" if data[8:12] in _HEIF else "a video or an unknown ISO media file"
    if data[:4] == b"RIFF":
        return "a damaged WebP image" if data[8:12] == b"WEBP" else "a sound or video file"
    return _text(data[:1024])


def _text(head: bytes) -> str:
    lower = head.lower()
    if b"<svg" in lower:
        return "an SVG drawing"
    if b"<!doctype html" in lower or b"<html" in lower:
        return "a web page"
    if b"\x00" in head:
        return "unknown data"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut in two at the end of the head.
        if error.start < len(head) - 4:
            return "unknown data"
    return "text"
