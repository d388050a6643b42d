"""Published accuracies of models, and a run's figure held against one of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InputError, UnknownName
from workbench.measures.interval import Measure

__all__ = ["Held", "PublishedRow", "PublishedTable", "difference", "read"]

_NAMED = ("name", "pretrained")
_COUNTED = ("params (M)", "FLOPs (B)")
_AVERAGE = "Average perf. on 35 datasets"


@dataclass(frozen=True)
class PublishedRow:
    """One model of a table.

    Args:
        name: architecture.
        pretrained: tag of its weights.
        line: of the file, from 1.
        cells: column -> text as it stands.
    """

    name: str
    pretrained: str
    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class PublishedTable:
    """A table with a row a model and a column a dataset.

    Args:
        file: its name, for messages.
        columns: the datasets, in the order of the file.
        rows: the models, in the order of the file.
    """

    file: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]

    def row(self, wanted: str) -> PublishedRow:
        """The row of a model: ``NAME TAG``, ``NAME,TAG``, ``NAME/TAG``, or NAME where it is alone.

        Raises:
            UnknownName: no such row; the message lists near ones.
            InputError: several rows fit.
        """
        text = " ".join(wanted.split()).replace(", ", ",")
        found = [row for row in self.rows if text in _spellings(row)]
        if not found:
            alone = [row for row in self.rows if row.name == text]
            known = [_spellings(row)[0] for row in alone or self.rows]
            if len(alone) != 1:
                do = "Name the pretrained tag too." if alone else ""
                raise UnknownName(f"row of {self.file}", wanted, known, do=do)
            found = alone
        if len(found) > 1:
            lines = " and ".join(str(row.line) for row in found)
            raise InputError(f"row {wanted!r} of {self.file}", expected="one", got=f"lines {lines}")
        return found[0]

    def column(self, wanted: str) -> str:
        """A dataset's column as it is written, whatever the case, spaces and hyphens of ``wanted``.

        Raises:
            UnknownName: there is none.
        """
        alike = [name for name in self.columns if _bare(name) == _bare(wanted)]
        found = [wanted] if wanted in alike else alike
        if len(found) != 1:
            raise UnknownName(f"dataset column of {self.file}", wanted, self.columns)
        return found[0]

    def accuracy(self, row: PublishedRow, column: str) -> float:
        """The published figure in [0, 1].

        Raises:
            InputError: the cell holds something else; the message names line and column.
        """
        text = row.cells[column].strip()
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not 0 <= value <= 1:
            raise InputError(
                f"{self.file}, line {row.line}, column {column!r}",
                expected="an accuracy from 0 to 1",
                got=repr(text) if text else "nothing",
                do="Divide percentages by 100." if value > 1 else "",
            )
        return value


def _spellings(row: PublishedRow) -> tuple[str, str, str]:
    return (
        f"{row.name} {row.pretrained}",
        f"{row.name},{row.pretrained}",
        f"{row.name}/{row.pretrained}",
    )


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def read(path: Path) -> PublishedTable:
    """A table in the layout of open_clip's ``openclip_classification_results.csv``.

    Columns ``name`` and ``pretrained`` name the model; ``params (M)``, ``FLOPs (B)`` and the
    average may be there; every other column is a dataset with accuracies from 0 to 1.

    Raises:
        InputError: the file cannot be read, lacks a column (the message names it), has a column
            twice, a line of another length, or no dataset.
    """
    file = path.name
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            lines = list(csv.reader(opened, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"table {path}", expected="a CSV file in UTF-8", got=str(error)) from error
    header = lines[0] if lines else []
    for name in _NAMED:
        if name not in header:
            got = ", ".join(header[:6]) or "an empty file"
            raise InputError(f"table {file}", expected=f"a column {name!r}", got=got)
    double = next((name for name in header if header.count(name) > 1), None)
    if double is not None:
        raise InputError(f"table {file}", expected="each column once", got=f"{double!r} twice")
    datasets = tuple(name for name in header if name not in (*_NAMED, *_COUNTED, _AVERAGE))
    if not datasets:
        raise InputError(f"table {file}", expected="a column of a dataset", got=", ".join(header))
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not cells:
            continue
        if len(cells) != len(header):
            got = f"{len(cells)}"
            raise InputError(f"{file}, line {number}", expected=f"{len(header)} fields", got=got)
        named = dict(zip(header, cells, strict=True))
        rows.append(PublishedRow(named["name"], named["pretrained"], number, named))
    return PublishedTable(file, datasets, tuple(rows))


@dataclass(frozen=True)
class Held:
    """A run's figure held against a published one.

    Args:
        run: key of the run.
        name: architecture of the published model.
        pretrained: tag of its weights.
        column: the dataset, as the table writes it.
        published: its accuracy in [0, 1].
        measure: key of the run's measure that is compared.
        measured: the run's figure.
        difference: run minus published, in [-1, 1]; the interval is the run's own, as if the
            published figure were exact, and n its images.
        agrees: 0 lies inside that interval.
        warnings: what differs from how such figures are made, or could not be checked; a sentence
            each. Without any, a difference is one of the computation.
    """

    run: str
    name: str
    pretrained: str
    column: str
    published: float
    measure: str
    measured: Measure
    difference: Measure
    agrees: bool
    warnings: tuple[str, ...]


def difference(measured: Measure, published: float) -> Measure:
    """A figure minus a published one that is taken as exact; NaN ends stay NaN."""
    ends = (measured.low - published, measured.high - published)
    return Measure(measured.value - published, *ends, measured.n)
