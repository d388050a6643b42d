"""What rendered images must hash to, so that a re-rendering can be told to be the same."""

import hashlib
import json
from pathlib import Path

import numpy as np
import PIL

FIRST = 100


def digest(images: np.ndarray) -> str:
    """SHA-256 over the pixels of images, uint8 (N, side, side, 3), in order."""
    total = hashlib.sha256()
    for start in range(0, len(images), 1000):
        total.update(np.ascontiguousarray(images[start : start + 1000]).tobytes())
    return total.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record(images: np.ndarray, sprites: Path) -> dict[str, str]:
    """Hashes of all images and of the first hundred, and what they were made with."""
    return {
        "images": digest(images),
        f"first_{FIRST}_images": digest(images[:FIRST]),
        "sprites": file_digest(sprites),
        "pillow": PIL.__version__,
        "numpy": np.__version__,
    }


def save(made: dict[str, str], path: Path) -> None:
    """Write a record as JSON."""
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> dict[str, str]:
    """Read a record that `save` wrote."""
    return {str(key): str(value) for key, value in json.loads(path.read_text()).items()}
