"""The rarest concepts as a test set of their own: class list, images, and how they were chosen.

```
FOLDER/
  manifest.json            corpus, rule, counts, when, versions, and each class with its folder
  classes.txt              the class names, one a line, the rarest first
  images.csv               file, class, bytes, sha256
  images/CLASS/FILE        the images, byte for byte
```

Source: the idea of Let It Wag! in Udandarao et al., NeurIPS 2024, section 5.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import secrets
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import workbench
from workbench.errors import DiskFull, InputError
from workbench.types import Rows

__all__ = ["Manifest", "Written", "rarest", "write_tail_set"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LONGEST = 120
"""Bytes of a name; file systems allow 255."""
_DEVICES = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))}
"""Names that Windows keeps for devices."""


def rarest(names: Sequence[str], counts: NDArray[Any], k: int) -> Rows:
    """Places of the k rarest concepts, int64, the rarest first; equal counts go by name.

    Args:
        names: C names.
        counts: (C,) captions; NaN is a concept without a count, which is never chosen. A true 0
            is the rarest of all.
        k: at least 1; fewer come back where fewer have a count.

    Raises:
        InputError: lists of different length, k below 1, or no concept with a count.
    """
    values = np.asarray(counts, np.float64)
    if values.shape != (len(names),):
        got = f"shape {values.shape}"
        raise InputError("counts", expected=f"{len(names)}, one a name", got=got)
    known = np.flatnonzero(~np.isnan(values)).tolist()
    if k < 1 or not known:
        got = f"k = {k} and {len(known)} concepts with a count"
        raise InputError("tail set", expected="k from 1 and a concept with a count", got=got)
    return np.array(sorted(known, key=lambda i: (values[i], names[i], i))[:k], np.int64)


@dataclass(frozen=True)
class Manifest:
    """How a tail set was chosen.

    Args:
        corpus: whose captions were counted.
        rule: how a caption was matched with a concept.
        classes: (name, count) of the k chosen, the rarest first.
        concepts: C, among which they were chosen.
        absent: of those, how many had no count and could not be chosen.
        created: time in UTC, ISO 8601.
        versions: of whatever made the set; ``workbench`` is always among them.
    """

    corpus: str
    rule: str
    classes: tuple[tuple[str, float], ...]
    concepts: int
    absent: int
    created: str
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        counts: NDArray[Any],
        k: int,
        *,
        corpus: str,
        rule: str,
        versions: Mapping[str, str] | None = None,
        created: datetime | None = None,
    ) -> Manifest:
        """The manifest of the k rarest; arguments and errors as ``rarest``."""
        values = np.asarray(counts, np.float64)
        places = rarest(names, values, k)
        return cls(
            corpus=corpus,
            rule=rule,
            classes=tuple((names[i], float(values[i])) for i in places),
            concepts=len(names),
            absent=int(np.isnan(values).sum()),
            created=(created or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds"),
            versions={"workbench": workbench.__version__, **(versions or {})},
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON-like data, without folders and images; whole counts are whole numbers."""
        classes = [
            {"name": name, "count": int(count) if count.is_integer() else count}
            for name, count in self.classes
        ]
        return {
            "corpus": self.corpus,
            "rule": self.rule,
            "k": len(self.classes),
            "concepts": self.concepts,
            "absent": self.absent,
            "created": self.created,
            "versions": dict(self.versions),
            "classes": classes,
        }


@dataclass(frozen=True)
class Written:
    """A tail set on disk.

    Args:
        folder: where it lies.
        images: how many.
        bytes: of all images together.
        empty: names of the classes without an image.
    """

    folder: Path
    images: int
    bytes: int
    empty: tuple[str, ...]


def write_tail_set(
    folder: Path, manifest: Manifest, images: Iterable[tuple[str, str, bytes]]
) -> Written:
    """Write the set as one folder, whole or not at all.

    It grows under a hidden name beside ``folder``, is synced and then renamed. Names are made
    safe for every file system, so none leads out of the folder; equal ones get a number. Images
    are written as they come, one in memory at a time.

    Args:
        folder: must not exist, or be empty.
        manifest: what was chosen.
        images: (class name, file name, bytes), in any order.

    Raises:
        InputError: the folder holds something, or an image of a class that was not chosen.
        DiskFull: no room left; nothing stays behind.
    """
    _check_free(folder)
    draft = folder.with_name(f".tmp-{os.getpid()}-{secrets.token_hex(4)}-{folder.name}")
    with _full_disk(folder):
        try:
            draft.mkdir(parents=True)
            written = _fill(draft, folder, manifest, images)
            os.sync()  # once for all: to sync a hundred thousand small files singly takes minutes
            _check_free(folder)
            draft.replace(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _sync_folder(folder.parent)
    return written


def _check_free(folder: Path) -> None:
    if folder.is_symlink() or folder.exists():
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            return
        do = "Name a new folder; nothing is overwritten."
        raise InputError(
            f"folder {folder}", expected="a new or empty folder", got="one in use", do=do
        )


def _fill(
    draft: Path, final: Path, manifest: Manifest, images: Iterable[tuple[str, str, bytes]]
) -> Written:
    places = _folders([name for name, _ in manifest.classes])
    rows = list(_store(draft / "images", places, images))
    sizes = Counter(name for _, name, _, _ in rows)
    data = manifest.to_json()
    for each in data["classes"]:
        each |= {"folder": f"images/{places[each['name']]}", "images": sizes[each["name"]]}
    lines = [" ".join(name.split()) for name, _ in manifest.classes]
    (draft / "classes.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
    with (draft / "images.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerows([("file", "class", "bytes", "sha256"), *rows])
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    (draft / "manifest.json").write_text(text + "\n", encoding="utf-8")
    empty = tuple(name for name, _ in manifest.classes if not sizes[name])
    return Written(final, len(rows), sum(size for _, _, size, _ in rows), empty)


def _store(
    root: Path, places: Mapping[str, str], images: Iterable[tuple[str, str, bytes]]
) -> Iterator[tuple[str, str, int, str]]:
    """Write each image and tell its row of images.csv."""
    taken: dict[str, set[str]] = {name: set() for name in places}
    for place in places.values():
        (root / place).mkdir(parents=True, exist_ok=True)
    for number, (name, file_name, content) in enumerate(images, start=1):
        if name not in places:
            expected = f"one of the {len(places)} classes chosen"
            raise InputError(f"class of image {file_name!r}", expected=expected, got=repr(name))
        safe = _safe(file_name, taken[name], f"image-{number}")
        (root / places[name] / safe).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        yield f"images/{places[name]}/{safe}", name, len(content), digest


def _folders(names: Sequence[str]) -> dict[str, str]:
    """A folder for each distinct class name."""
    taken: set[str] = set()
    return {n: _safe(n, taken, f"class-{i}") for i, n in enumerate(dict.fromkeys(names), start=1)}


def _safe(name: str, taken: set[str], otherwise: str) -> str:
    """A name that every file system takes, in no case equal to one taken; it is then taken too."""
    plain = unicodedata.normalize("NFC", name)
    plain = "".join(c if c.isprintable() and c not in '<>:"/\\|?*' else "_" for c in plain)
    plain = plain.strip(" .") or otherwise
    if plain.split(".")[0].rstrip().casefold() in _DEVICES:
        plain = f"_{plain}"
    stem, suffix = Path(plain).stem, Path(plain).suffix
    if len(suffix.encode()) > 16:
        stem, suffix = plain, ""
    found, number = _cut(stem, suffix), 1
    while found.casefold() in taken:
        number += 1
        found = _cut(stem, f"-{number}{suffix}")
    taken.add(found.casefold())
    return found


def _cut(stem: str, end: str) -> str:
    """Stem and end together, the stem cut so that they are not too long; no character is halved."""
    whole = stem.encode()
    room = _LONGEST - len(end.encode())
    if len(whole) > room:
        stem = whole[:room].decode(errors="ignore").rstrip(" .")
    return stem + end


@contextmanager
def _full_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            do = "Free some space, or choose another place."
            raise DiskFull(f"no room left to write {folder}", do=do) from error
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
