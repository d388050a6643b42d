"""clip-retrieval's output: embeddings and metadata, which come in without embedding again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.importers.importer import Option, Skipped, VectorBlock
from workbench.importers.location import local_source, path_of
from workbench.importers.previewing import preview_of
from workbench.importers.roles import Roles
from workbench.types import Floats, Preview, Record, Side, Source

__all__ = ["ClipRetrieval"]

_FOLDERS: Mapping[Side, str] = {"image": "img_emb", "caption": "text_emb"}
_NUMBER = re.compile(r".*?(\d+)$")
_BLOCK = 2048
_ROLES = Roles(captions=("caption",))
_NO_TEXTS = "The vectors in text_emb are left out: the metadata has no captions."


@dataclass(frozen=True)
class ClipRetrieval:
    """``img_emb/img_emb_0.npy``, ``text_emb/text_emb_0.npy``, ``metadata/metadata_0.parquet`` ...

    Files of one number belong together, row by row; different numbers of rows are an error.
    Every row is an item, so that vectors and items stay in line; its key is ``number/row``. An
    item has an image when its ``image_path`` is on this machine, and a caption when the metadata
    has a text there; vectors of rows without text are left out.
    """

    key: str = "clip-retrieval"
    title: str = "clip-retrieval output"
    formats: str = "a folder with img_emb or text_emb (.npy) and metadata (.parquet) in it"
    options: tuple[Option, ...] = (
        Option(
            "model",
            "model",
            "Model that made the vectors",
            "Without it: a placeholder model; text search then has no text tower to ask.",
        ),
    )
    brings_vectors: bool = True

    def detect(self, path: Path) -> bool:
        """True when img_emb or text_emb holds .npy files."""
        return any(_numbered(path / folder, ".npy") for folder in _FOLDERS.values())

    def preview(self, path: Path, limit: int = 20, **options: Any) -> Preview:
        """The first rows; every file's number of rows is checked."""
        parts = _parts(path)
        info = self.info(path)
        sides = " and ".join(f"{n:,} {side}" for side, n in info["vectors"].items())
        notes = [f"{len(parts)} file(s), {sides} vectors of {info['dim']} dimensions."]
        notes += [_NO_TEXTS] * any("caption" in p.embeddings and not p.has_captions for p in parts)
        return preview_of(
            self,
            self.records(path, **options),
            limit=limit,
            total=self.total(path),
            notes=notes,
            vectors=True,
        )

    def records(self, path: Path, **options: Any) -> Iterator[Record | Skipped]:
        """Rows in the order of the files' numbers; none is ever skipped."""
        for part in _parts(path):
            yield from part.records()

    def total(self, path: Path, *, seconds: float | None = None) -> int | None:
        """Number of rows, from the files' headers."""
        return sum(part.rows for part in _parts(path))

    def vectors(self, path: Path, **options: Any) -> Iterator[VectorBlock]:
        """Blocks of at most 2,048 rows, of the image side and then of the caption side.

        Raises:
            InputError: a row is not finite, or zero; the message names file and row.
        """
        for side in _FOLDERS:
            start = 0
            for part in _parts(path):
                file = part.embeddings.get(side)
                keep = part.captioned() if side == "caption" else np.ones(part.rows, dtype=bool)
                for array in _unit_blocks(file, keep) if file is not None else ():
                    yield VectorBlock(side, start, array)
                    start += len(array)

    def info(self, path: Path, **options: Any) -> Mapping[str, Any]:
        """``dim`` and, per side, the number of ``vectors``."""
        parts = _parts(path)
        files = [(side, _open(f)) for part in parts for side, f in part.embeddings.items()]
        dims = {array.shape[1] for _, array in files}
        if len(dims) != 1:
            raise InputError(f"vectors in {path}", expected="one dimension", got=f"{sorted(dims)}")
        counts = {side: sum(len(a) for s, a in files if s == side) for side in _FOLDERS}
        return {"dim": dims.pop(), "vectors": {side: n for side, n in counts.items() if n}}


@dataclass(frozen=True)
class _Part:
    """The files of one number; ``home`` is the folder of img_emb, text_emb and metadata."""

    home: Path
    number: str
    embeddings: Mapping[Side, Path]
    metadata: Path | None
    rows: int

    @property
    def has_captions(self) -> bool:
        """The metadata has a column ``caption``."""
        return self.metadata is not None and "caption" in _schema(self.metadata).names

    def records(self) -> Iterator[Record]:
        """Every row."""
        for row, raw in enumerate(self._raw_rows()):
            fields = _ROLES.split(raw)
            image = self._image(raw.get("image_path"))
            yield Record(
                f"{self.number}/{row}", image, None, fields.captions, fields.label, fields.meta
            )

    def captioned(self) -> NDArray[np.bool_]:
        """(rows,) True where the row's record has a caption."""
        if not self.has_captions:
            return np.zeros(self.rows, dtype=bool)
        texts = (raw.get("caption") for raw in self._raw_rows(["caption"]))
        return np.fromiter((bool(_ROLES.split({"caption": t}).captions) for t in texts), bool)

    def _raw_rows(self, columns: list[str] | None = None) -> Iterator[Mapping[str, Any]]:
        if self.metadata is None:
            yield from ({} for _ in range(self.rows))
            return
        try:
            with pq.ParquetFile(self.metadata) as file:
                for batch in file.iter_batches(batch_size=_BLOCK, columns=columns):
                    yield from batch.to_pylist()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{self.metadata} is damaged", got=str(error)) from error

    def _image(self, path: object) -> Source | None:
        """The image, when it is on this machine; relative paths begin at the output's folder."""
        if not isinstance(path, str) or not path or "\x00" in path:
            return None
        try:
            source = local_source(self.home, path)
        except ValueError:
            return None
        return source if path_of(source.uri).is_file() else None


def _numbered(folder: Path, ending: str) -> dict[int, Path]:
    files = folder.glob(f"*{ending}") if folder.is_dir() else ()
    found = ((_NUMBER.fullmatch(file.stem), file) for file in sorted(files))
    return {int(match[1]): file for match, file in found if match}


def _parts(path: Path) -> list[_Part]:
    embeddings: dict[Side, dict[int, Path]] = {
        side: _numbered(path / folder, ".npy") for side, folder in _FOLDERS.items()
    }
    metadata = _numbered(path / "metadata", ".parquet")
    numbers = sorted(set().union(*embeddings.values()))
    if not numbers:
        raise InputError(f"{path}", expected="img_emb/*.npy or text_emb/*.npy", got="neither")
    kinds = [("metadata", metadata), *((_FOLDERS[side], f) for side, f in embeddings.items())]
    for name, files in kinds:
        missing = [number for number in numbers if number not in files]
        if files and missing:
            got = f"none with number {missing[0]}"
            raise InputError(f"{path / name}", expected=f"{len(numbers)} files", got=got)
    return [_part(path, number, embeddings, metadata.get(number)) for number in numbers]


def _part(
    home: Path, number: int, embeddings: Mapping[Side, Mapping[int, Path]], metadata: Path | None
) -> _Part:
    files = {side: found[number] for side, found in embeddings.items() if found}
    rows = {file: len(_open(file)) for file in files.values()}
    if metadata is not None:
        rows[metadata] = _parquet_rows(metadata)
    if len(set(rows.values())) > 1:
        got = ", ".join(f"{n:,} in {file.name}" for file, n in rows.items())
        raise InputError(f"files of number {number}", expected="one number of rows", got=got)
    return _Part(home, str(number), files, metadata, next(iter(rows.values())))


def _schema(file: Path) -> pa.Schema:
    return pq.read_schema(file)


def _parquet_rows(file: Path) -> int:
    try:
        return int(pq.read_metadata(file).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{file} is no Parquet file, or damaged", got=str(error)) from error


def _open(file: Path) -> NDArray[Any]:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file} is no .npy file, or damaged", got=str(error)) from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind != "f":
        got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "an archive"
        raise InputError(f"{file}", expected="a matrix (N, D) of floats", got=got)
    return array


def _unit_blocks(file: Path, keep: NDArray[np.bool_]) -> Iterator[Floats]:
    array = _open(file)
    for first in range(0, len(array), _BLOCK):
        block = np.asarray(array[first : first + _BLOCK], dtype=np.float32)
        norms = np.linalg.norm(block, axis=1, keepdims=True)
        bad = np.flatnonzero(~(np.isfinite(norms[:, 0]) & (norms[:, 0] > 0)))
        if bad.size:
            got = f"norm {norms[bad[0], 0]} in row {first + int(bad[0])}"
            raise InputError(f"{file}", expected="finite vectors that are not zero", got=got)
        chosen = keep[first : first + _BLOCK]
        if chosen.any():
            yield (block / norms)[chosen]
