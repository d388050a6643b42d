"""WebDataset shards whose bytes depend on nothing but their items: tar files of image and JSON."""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class Item:
    """One member pair: `key`.webp with these bytes and `key`.json with these columns."""

    key: str
    webp: bytes
    columns: dict[str, Any]


def encode(picture: Image.Image, quality: int) -> bytes:
    """The picture as lossy WebP."""
    packed = io.BytesIO()
    picture.save(packed, "WEBP", quality=quality, method=6)
    return packed.getvalue()


def write(items: list[Item], folder: Path, name: str, per_shard: int) -> list[Path]:
    """Write folder/name-000000.tar and so on, `per_shard` items each; old ones are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{name}-*.tar"):
        old.unlink()
    paths = []
    for number, start in enumerate(range(0, len(items), per_shard)):
        path = folder / f"{name}-{number:06d}.tar"
        _write_shard(items[start : start + per_shard], path)
        paths.append(path)
    return paths


def _write_shard(items: list[Item], path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for item in items:
            text = json.dumps(item.columns, ensure_ascii=False).encode()
            for ending, data in (("webp", item.webp), ("json", text)):
                member = tarfile.TarInfo(f"{item.key}.{ending}")  # its time is 0, its owner nobody
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def read(paths: list[Path]) -> list[Item]:
    """The items of shards, in order."""
    items = []
    for path in paths:
        with tarfile.open(path) as archive:
            files = {member.name: archive.extractfile(member) for member in archive}
            content = {name: file.read() for name, file in files.items() if file is not None}
        for name, data in content.items():
            key, ending = name.split(".")
            if ending == "webp":
                items.append(Item(key, data, json.loads(content[f"{key}.json"])))
    return items
