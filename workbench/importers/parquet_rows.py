"""Rows of a Parquet file, with what Hugging Face's datasets write about its columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import InputError
from workbench.importers.rows import BadRow

__all__ = ["ParquetRows"]

_BATCH = 128


@dataclass(frozen=True)
class ParquetRows:
    """A Parquet file; images are bytes, or structs of ``bytes`` and ``path``.

    Columns that are lists of numbers (embeddings) are left out.
    """

    path: Path

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema.

        Raises:
            InputError: not a Parquet file, or a damaged one.
        """
        try:
            return pq.read_schema(self.path)
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{self.path} is no Parquet file, or damaged", got=str(error)
            ) from error

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that ``rows`` gives."""
        return tuple(field.name for field in self.schema if not _is_vector(field.type))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of the columns that are lists of numbers."""
        return tuple(field.name for field in self.schema if _is_vector(field.type))

    @property
    def binary(self) -> tuple[str, ...]:
        """Names of the columns that hold bytes, alone or in a struct."""
        return tuple(field.name for field in self.schema if _holds_bytes(field.type))

    @cached_property
    def class_names(self) -> Mapping[str, list[str]]:
        """Columns that Hugging Face's datasets call ClassLabel, with their names."""
        try:
            text = (self.schema.metadata or {})[b"huggingface"]
            features = json.loads(text)["info"]["features"]
            return {
                str(column): [str(name) for name in feature["names"]]
                for column, feature in features.items()
                if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
            }
        except (KeyError, TypeError, ValueError, AttributeError):
            return {}

    def rows(self, *, typed: bool = True) -> Iterator[Mapping[str, Any] | BadRow]:
        """Every row, 128 at a time in memory; a damaged page ends the file with a bad row."""
        number = 0
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=_BATCH, columns=list(self.names)):
                    for row in batch.to_pylist():
                        yield row
                        number += 1
        except (pa.ArrowException, OSError, ValueError) as error:
            yield BadRow(str(number), f"the file is damaged from here on ({error})")

    def size(self) -> int | None:
        """Number of rows, from the file's footer."""
        return int(pq.read_metadata(self.path).num_rows)


def _is_vector(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_fixed_size_list(kind):
        return True
    listed = types.is_list(kind) or types.is_large_list(kind)
    return listed and bool(types.is_floating(kind.value_type) or types.is_list(kind.value_type))


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
