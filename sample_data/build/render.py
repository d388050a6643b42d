"""One scene drawn to pixels: sprites on a coloured gradient, all chance from one generator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

# Named backgrounds as sRGB; each image varies them a little.
BACKGROUNDS = {
    "red": (205, 58, 52),
    "orange": (238, 140, 48),
    "yellow": (245, 212, 74),
    "green": (88, 160, 82),
    "blue": (70, 120, 205),
    "purple": (128, 82, 172),
    "pink": (242, 158, 190),
    "brown": (132, 90, 58),
    "gray": (140, 142, 145),
    "white": (242, 242, 240),
}
# Longer side of an object as a share of the frame, by how many objects and size word.
_SPANS = {
    1: {"small": (0.45, 0.57), "medium": (0.60, 0.72), "large": (0.76, 0.90)},
    2: {"small": (0.29, 0.34), "medium": (0.36, 0.41), "large": (0.43, 0.48)},
    3: {"small": (0.26, 0.31), "medium": (0.33, 0.38), "large": (0.40, 0.45)},
}
_CENTRES = {
    "centre": ((0.5, 0.5),),
    "beside": ((0.26, 0.5), (0.74, 0.5)),
    "stacked": ((0.5, 0.26), (0.5, 0.74)),
    "triangle": ((0.26, 0.27), (0.74, 0.27), (0.5, 0.74)),
}
_JITTER = {
    "centre": (0.10, 0.10),
    "beside": (0.02, 0.16),
    "stacked": (0.16, 0.02),
    "triangle": (0.02, 0.02),
}


@dataclass(frozen=True)
class Scene:
    """What one image shows: concept ids, the word and size of each, background and layout."""

    concepts: tuple[str, ...]
    words: tuple[str, ...]
    sizes: tuple[str, ...]
    background: str
    layout: str


def background(name: str, side: int, rng: np.random.Generator) -> np.ndarray:
    """A linear gradient between two shades of a named colour, uint8 (side, side, 3)."""
    base = np.array(BACKGROUNDS[name], dtype=np.float64)
    ends = base + rng.normal(0, 7, (2, 3)) + rng.uniform(-22, 22, (2, 1))
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-0.5, 0.5, side)
    ramp = 0.5 + (np.cos(angle) * axis[None, :] + np.sin(angle) * axis[:, None]) / np.sqrt(2)
    colours = ends[0] + ramp[:, :, None] * (ends[1] - ends[0])
    shades: np.ndarray = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    return shades


def render(
    scene: Scene, sprites: Mapping[str, Image.Image], side: int, rng: np.random.Generator
) -> Image.Image:
    """The scene as an RGB image of `side` pixels; same generator state, same pixels."""
    canvas = Image.fromarray(background(scene.background, side, rng)).convert("RGBA")
    for place, (concept, size) in enumerate(zip(scene.concepts, scene.sizes, strict=True)):
        low, high = _SPANS[len(scene.concepts)][size]
        length = side * rng.uniform(low, high)
        picture = _scaled(sprites[concept], length)
        corner = _corner(picture.size, scene.layout, place, side, rng)
        canvas.alpha_composite(picture, corner)
    return canvas.convert("RGB")


def _scaled(sprite: Image.Image, length: float) -> Image.Image:
    scale = length / max(sprite.size)
    width, height = (max(1, round(edge * scale)) for edge in sprite.size)
    return sprite.resize((width, height), Image.Resampling.LANCZOS)


def _corner(
    size: Sequence[int], layout: str, place: int, side: int, rng: np.random.Generator
) -> tuple[int, int]:
    centre, jitter = _CENTRES[layout][place], _JITTER[layout]
    offset = rng.uniform(-1, 1, 2)
    x, y = (
        round((centre[axis] + jitter[axis] * offset[axis]) * side - size[axis] / 2)
        for axis in (0, 1)
    )
    return min(max(x, 0), side - size[0]), min(max(y, 0), side - size[1])
