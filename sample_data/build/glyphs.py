"""Emoji drawn as sprites: RGBA squares, cropped to what is drawn, in four styles."""

import io
import zipfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sample_data.build.sources import Sources

STYLES = ("noto", "twemoji", "openmoji", "openmoji-line")
SPRITE_SIDE = 128
_STAMP = (2020, 1, 1, 0, 0, 0)


def draw(sources: Sources, style: str, hexcode: str) -> Image.Image | None:
    """One emoji in one style at about 256 pixels, None where the style has no drawing."""
    if style == "noto":
        return _draw_noto(sources.noto, hexcode)
    path = sources.svg(style, hexcode)
    return None if path is None else _draw_svg(path)


def _draw_noto(font_path: Path, hexcode: str) -> Image.Image | None:
    font = ImageFont.truetype(font_path, 109, layout_engine=ImageFont.Layout.RAQM)
    text = "".join(chr(int(part, 16)) for part in hexcode.split("-"))
    canvas = Image.new("RGBA", (320, 200))
    ImageDraw.Draw(canvas).text((20, 20), text, font=font, embedded_color=True)
    box = canvas.getbbox()
    # A joined sequence that the font does not know comes out as two glyphs side by side.
    return canvas if box is not None and box[2] - box[0] <= 170 else None


def _draw_svg(path: Path) -> Image.Image:
    import resvg_py  # only a rebuild needs it

    png = bytes(resvg_py.svg_to_bytes(svg_string=path.read_text(encoding="utf-8"), width=256))
    return Image.open(io.BytesIO(png)).convert("RGBA")


def sprite(picture: Image.Image, side: int = SPRITE_SIDE) -> Image.Image:
    """The drawing cropped to its visible part, its longer side scaled to `side` pixels."""
    box = picture.getchannel("A").point(lambda value: 255 * (value > 16)).getbbox()
    cropped = picture.crop(box)
    scale = side / max(cropped.size)
    size = tuple(max(1, round(length * scale)) for length in cropped.size)
    return cropped.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def write_sprites(sources: Sources, hexcodes: dict[str, str], style: str, path: Path) -> None:
    """Write the sprites of one style, concept id -> hexcode, as a zip of PNG files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for key, hexcode in hexcodes.items():
            picture = draw(sources, style, hexcode)
            if picture is None:
                raise ValueError(f"{key} ({hexcode}) has no drawing in style {style}")
            packed = io.BytesIO()
            sprite(picture).save(packed, "PNG")
            archive.writestr(zipfile.ZipInfo(f"{key}.png", _STAMP), packed.getvalue())


def read_sprites(path: Path) -> dict[str, Image.Image]:
    """Sprites by concept id, from a zip that `write_sprites` wrote."""
    sprites = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            picture = Image.open(io.BytesIO(archive.read(name)))
            sprites[name.removesuffix(".png")] = picture.convert("RGBA")
    return sprites
