"""Which tar shards a person means: one tar, a folder of them, or a brace pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

from workbench.errors import InputError
from workbench.importers.location import readable

__all__ = ["Shard", "expand", "find_shards", "has_shards", "natural"]

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST = 1_000_000
_LOOK = 5000


@dataclass(frozen=True)
class Shard:
    """One tar file.

    Args:
        path: where it lies.
        name: its path below the given folder without the tar suffix, e.g. ``test/00012``; it
            begins the keys of its samples.
    """

    path: Path
    name: str


def find_shards(path: Path) -> tuple[Shard, ...]:
    """The shards that a path names, in natural order (``2.tar`` before ``10.tar``).

    Args:
        path: a tar file; a folder, searched with its subfolders (hidden ones left out); or a
            pattern such as ``train/{00000..00012}.tar`` or ``{train,test}/0.tar``.

    Raises:
        InputError: a file named by a pattern does not exist.
    """
    if path.is_dir():
        return tuple(sorted(_in_folder(path), key=lambda shard: natural(shard.name)))
    if path.is_file():
        return (Shard(path, _stem(path.name)),) if _is_tar(path) else ()
    files = expand(path)
    missing = [file for file in files if not file.is_file()]
    if files and missing:
        got = f"no file {missing[0]}" + (f" and {len(missing) - 1} more" * (len(missing) > 1))
        raise InputError(f"pattern {path}", expected=f"{len(files)} existing files", got=got)
    # Braces may span folders: the part of the path that varies is what tells shards apart.
    fixed = Path(str(path).split("{", 1)[0] + "x").parent
    return tuple(Shard(file, _stem(file.relative_to(fixed).as_posix())) for file in files)


def has_shards(path: Path) -> bool:
    """Whether ``find_shards`` would find any, without walking through a large folder.

    In a folder a tar has to turn up among the first 5,000 files and folders.
    """
    try:
        if path.is_dir():
            return any(_is_tar(file) for file in islice(path.rglob("*"), _LOOK))
        return bool(find_shards(path))
    except (InputError, OSError):
        return False


def _in_folder(folder: Path) -> list[Shard]:
    names = ((path, path.relative_to(folder)) for path in folder.rglob("*") if _is_tar(path))
    return [
        Shard(path, _stem(readable(name.as_posix())))
        for path, name in names
        if not any(part.startswith(".") for part in name.parts) and path.is_file()
    ]


def _is_tar(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def _stem(name: str) -> str:
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorting key that reads digits as numbers; the name itself breaks ties."""
    parts = re.split(r"(\d+)", name)
    pieces = [(0, int(part), "") if i % 2 else (1, 0, part) for i, part in enumerate(parts)]
    return (*pieces, (-1, 0, name))


def expand(path: Path) -> tuple[Path, ...]:
    """The paths of a brace pattern; empty when the path has no braces.

    ``{000..012}`` counts with the zeros of its start; ``{a,b}`` lists.

    Raises:
        InputError: braces that are neither, or a pattern of more than a million files.
    """
    pieces = _BRACES.split(str(path))
    if len(pieces) == 1:
        return ()
    choices: list[Sequence[str]] = [
        _choices(piece, path) if i % 2 else (piece,) for i, piece in enumerate(pieces)
    ]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > _MOST:
        raise InputError(f"pattern {path}", expected=f"at most {_MOST:,} files", got=f"{count:,}")
    return tuple(Path("".join(names)) for names in product(*choices))


def _choices(body: str, path: Path) -> Sequence[str]:
    counted = _RANGE.fullmatch(body)
    if counted is None:
        if "," in body:
            return tuple(body.split(","))
        expected = "{first..last} or {one,two}"
        raise InputError(f"pattern {path}", expected=expected, got="{" + body + "}")
    first, last = counted.groups()
    numbers = range(int(first), int(last) + 1)
    if len(numbers) > _MOST:
        got = f"{len(numbers):,}"
        raise InputError(f"pattern {path}", expected=f"at most {_MOST:,} files", got=got)
    return [str(number).zfill(len(first)) for number in numbers]
