"""Counts and accuracies that were published or made elsewhere, in the layouts they come in.

Tables (CSV, TSV, also gzipped, or Parquet) have one row a concept. Two repositories' JSON files
are read as they stand: bethgelab/frequency_determines_performance (``search_counts`` and
``zero_shot_evaluations``) and shubhamprshr27/NeglectedTailsVLM (``metrics-*.json``).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.types import Rows

__all__ = [
    "ACCURACY_COLUMNS",
    "COUNT_COLUMNS",
    "Metrics",
    "read_accuracies",
    "read_counts",
    "read_metrics",
]

COUNT_COLUMNS = ("benchmark", "pretraining", "method", "concept", "count")
ACCURACY_COLUMNS = ("benchmark", "prompts", "backbone", "pretrained", "concept", "accuracy")

_COUNTS_NAME = re.compile(
    r"(?P<benchmark>[^_]+)_(?P<pretraining>.+?)"
    r"_(?P<method>lemmatized|lowercased|rampp[\d.]+|integrated_.+)_search_counts"
)
_ACCURACY_NAME = re.compile(r"(?P<benchmark>[^_]+)_(?P<prompts>.+)_results")
_METRICS_NAME = re.compile(r"synonym_frequency_(?P<benchmark>.+)_(?P<pretraining>[^_]+)")
_MODEL = re.compile(r"backbone(?P<backbone>.+?)_pretrained(?P<pretrained>.+)")


@dataclass(frozen=True)
class Metrics:
    """Captions of C concepts and of their L terms, as the authors of REAL publish them.

    Args:
        names: C class names, in the order of the class numbers.
        terms: C tuples of the ways to say it that were searched.
        most_common: C terms that the authors chose as the most frequent (not always the argmax).
        distinct: int64 (C,), captions with any of the terms.
        by_term: int64 (L,), captions with each term.
        relevant: float64 (C,), captions that a language model judged to mean the concept; NaN
            where the file does not say.

    Source: Parashar et al., The Neglected Tails in Vision-Language Models, CVPR 2024.
    """

    names: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]
    most_common: tuple[str, ...]
    distinct: Rows
    by_term: Rows
    relevant: NDArray[np.float64]


def read_counts(
    path: Path,
    *,
    benchmark: str | None = None,
    pretraining: str | None = None,
    method: str | None = None,
) -> pa.Table:
    """How often concepts occur in corpora: a table of ``COUNT_COLUMNS``, one row a concept.

    Args:
        path: a table with these columns; a ``search_counts`` JSON file, whose name says what its
            rows lack; or a ``metrics`` JSON file, which gives the methods ``phrases`` (all
            captions) and ``phrases-relevant`` (those judged relevant).
        benchmark: what to write where the file and its name do not say it. The next two alike.
        pretraining: name of the corpus.
        method: how the concepts were counted.

    Returns:
        strings, and count float64; null where the file has none: it is not a 0.

    Raises:
        InputError: a file that cannot be read, a column that is missing (the message lists those
            that are there), or a count below 0.
    """
    given = {"benchmark": benchmark, "pretraining": pretraining, "method": method}
    columns = _columns_of_json(path, given) if _is_json(path) else _columns_of_table(path)
    return _table(path, columns, given, COUNT_COLUMNS)


def read_accuracies(
    path: Path,
    *,
    benchmark: str | None = None,
    prompts: str | None = None,
    backbone: str | None = None,
    pretrained: str | None = None,
) -> pa.Table:
    """Per-class accuracies of models: a table of ``ACCURACY_COLUMNS``, one row a class.

    Args:
        path: a table with these columns, or a ``zero_shot_evaluations`` JSON file, whose name
            says the benchmark and the prompts.
        benchmark: what to write where the file and its name do not say it. The next three alike.
        prompts: name of the prompts.
        backbone: architecture of the model.
        pretrained: name of the corpus that it was trained on.

    Returns:
        strings, and accuracy float64 in percent; null where the file has none.

    Raises:
        InputError: a file that cannot be read, a column that is missing (the message lists those
            that are there), or an accuracy outside 0 to 100.
    """
    given = {
        "benchmark": benchmark,
        "prompts": prompts,
        "backbone": backbone,
        "pretrained": pretrained,
    }
    columns = _accuracies_of_json(path) if _is_json(path) else _columns_of_table(path)
    return _table(path, columns, given, ACCURACY_COLUMNS)


def read_metrics(path: Path) -> Metrics:
    """The synonyms of every class with their captions, from a ``metrics`` JSON file.

    Raises:
        InputError: it is not such a file; the message names the class and the field.
    """
    data, where = _json(path), "the keys"
    rows = []
    try:
        for key in sorted(data, key=int):
            where, row = f"class {key}", data[key]
            also = {str(term): int(n) for term, n in row["alternates"].items()}
            called = str(row["name"]), str(row["most_common_name"])
            figures = int(row["actual_freq"]), float(row.get("relevant_total", np.nan))
            rows.append((*called, also, *figures))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        expected = 'an object for each class number, with "name", "alternates", '
        expected += '"most_common_name" and "actual_freq"'
        got = f"{type(error).__name__} {error}"
        raise InputError(f"{path.name}, {where}", expected=expected, got=got) from error
    names, common, terms, distinct, relevant = zip(*rows, strict=True)
    return Metrics(
        names=names,
        terms=tuple(tuple(also) for also in terms),
        most_common=common,
        distinct=np.array(distinct, dtype=np.int64),
        by_term=np.array([n for also in terms for n in also.values()], dtype=np.int64),
        relevant=np.array(relevant, dtype=np.float64),
    )


def _is_json(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(".json")


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".json")


def _json(path: Path) -> Any:
    try:
        raw = path.read_bytes()
        data = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(str(path), expected="a JSON file", got=str(error)) from error
    if not isinstance(data, dict) or not data:
        raise InputError(str(path), expected="a JSON object with entries", got=type(data).__name__)
    return data


def _columns_of_json(path: Path, given: Mapping[str, str | None]) -> dict[str, Any]:
    data = _json(path)
    if all(isinstance(value, dict) and "alternates" in value for value in data.values()):
        return _columns_of_metrics(path, given)
    if not all(type(value) in (int, float) for value in data.values()):
        expected = "a number for every concept, or a metrics file of synonyms"
        raise InputError(str(path), expected=expected, got="other values")
    found = _COUNTS_NAME.fullmatch(_stem(path))
    return {**(found.groupdict() if found else {}), "concept": list(data), "count": data.values()}


def _columns_of_metrics(path: Path, given: Mapping[str, str | None]) -> dict[str, Any]:
    """All captions and the relevant ones under each other, told apart by the method."""
    metrics, found = read_metrics(path), _METRICS_NAME.fullmatch(_stem(path))
    said = found.groupdict() if found else {"benchmark": path.resolve().parent.name}
    corpus = re.fullmatch(r"metrics-(.+)", _stem(path))
    if corpus:
        said["pretraining"] = corpus[1].lower()
    n = len(metrics.names)
    counts = np.concatenate((metrics.distinct.astype(np.float64), metrics.relevant))
    kept = np.flatnonzero(np.isfinite(counts))
    name = given["method"] or "phrases"
    methods = [name] * n + [f"{name}-relevant"] * n
    return {
        **said,
        "method": [methods[row] for row in kept],
        "concept": [metrics.names[row % n] for row in kept],
        "count": counts[kept],
    }


def _accuracies_of_json(path: Path) -> dict[str, Any]:
    found = _ACCURACY_NAME.fullmatch(_stem(path))
    columns: dict[str, Any] = {name: [] for name in ACCURACY_COLUMNS[2:]}
    for key, entry in _json(path).items():
        model = _MODEL.fullmatch(key)
        classes = entry.get("classwise") if isinstance(entry, dict) else None
        if model is None or not isinstance(classes, dict):
            expected = '"backbone…_pretrained…" with an object "classwise"'
            raise InputError(f"{path}, entry {key!r}", expected=expected, got="something else")
        columns["concept"] += classes
        columns["accuracy"] += classes.values()
        for name, value in model.groupdict().items():
            columns[name] += [value] * len(classes)
    return {**columns, **(found.groupdict() if found else {})}


def _columns_of_table(path: Path) -> dict[str, Any]:
    from pyarrow import parquet

    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            table = parquet.read_table(path)
        elif name.endswith((".csv", ".tsv", ".txt")):
            table = _csv(path, "," if name.endswith(".csv") else "\t")
        else:
            expected = "a .csv, .tsv, .parquet or .json file (also .gz)"
            raise InputError(str(path), expected=expected, got=path.name)
    except (OSError, EOFError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read", got=str(error)) from error
    return {name: table[name] for name in table.column_names}


def _csv(path: Path, delimiter: str) -> pa.Table:
    from pyarrow import csv

    # names like "NA" or "null" are names; only an empty number is missing
    kinds = dict.fromkeys((*COUNT_COLUMNS, *ACCURACY_COLUMNS), pa.string())
    kinds |= {"count": pa.float64(), "accuracy": pa.float64()}
    options = {
        "parse_options": csv.ParseOptions(delimiter=delimiter),
        "convert_options": csv.ConvertOptions(
            column_types=kinds, null_values=[""], strings_can_be_null=False
        ),
    }
    try:
        return csv.read_csv(path, **options)
    except pa.ArrowInvalid:
        # one thread is slower, but its message names the row
        return csv.read_csv(path, read_options=csv.ReadOptions(use_threads=False), **options)


def _table(
    path: Path,
    columns: Mapping[str, Any],
    given: Mapping[str, str | None],
    wanted: tuple[str, ...],
) -> pa.Table:
    """The wanted columns, the last a number; what the file lacks is taken from what is given."""
    number, rows = wanted[-1], len(columns.get("concept", ()))
    made = {}
    for name in wanted:
        value = columns.get(name, given.get(name))
        if value is None:
            there = ", ".join(columns) or "none"
            what = f"{path.name}: the column {name!r} is missing"
            raise InputError(what, expected=", ".join(wanted), got=f"the columns {there}")
        if isinstance(value, str):
            value = pa.array([value] * rows, pa.string())
        made[name] = _typed(path, name, value, pa.float64() if name == number else pa.string())
    table = pa.table(made)
    _check_range(path, table, number)
    return table


def _typed(path: Path, name: str, value: Any, kind: pa.DataType) -> Any:
    try:
        if isinstance(value, (pa.Array, pa.ChunkedArray)):
            return value.cast(kind)
        return pa.array(list(value), kind)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(
            f"{path.name}, column {name!r}", expected=str(kind), got=str(error)
        ) from error


def _check_range(path: Path, table: pa.Table, number: str) -> None:
    high = 100.0 if number == "accuracy" else np.finfo(np.float64).max
    column = table[number]
    bad = pc.fill_null(
        pc.invert(pc.and_(pc.greater_equal(column, 0), pc.less_equal(column, high))), False
    )
    first = pc.index(bad, True).as_py()
    if first >= 0:
        row = table.slice(first, 1).to_pylist()[0]
        expected = "0 to 100" if number == "accuracy" else "0 or more"
        what = f"{path.name}, row {first + 1} ({row['concept']!r}), {number}"
        raise InputError(what, expected=expected, got=str(row[number]))
