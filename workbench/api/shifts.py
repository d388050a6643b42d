"""How the runs of a dataset hold up from one value of a column to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.api.run_changes import Changes
from workbench.api.zero_shot_results import ZeroShotRun
from workbench.errors import InputError, UnknownName
from workbench.measures.robustness import Fit, baseline_fit, effective_robustness

__all__ = ["ShiftRow", "Shifts", "StyleShifts"]


@dataclass(frozen=True)
class ShiftRow:
    """One run under one shift.

    Args:
        run: the run.
        shift: value of the column.
        standard: accuracy without the shift, in [0, 1].
        standard_n: images it rests on.
        shifted: accuracy under the shift.
        low: lower end of its 95% interval (Wilson).
        high: upper end.
        n: images it rests on.
        expected: accuracy that the line of the other runs predicts; NaN where they give no line.
        effective: shifted minus expected; NaN likewise.
    """

    run: ZeroShotRun
    shift: Any
    standard: float
    standard_n: int
    shifted: float
    low: float
    high: float
    n: int
    expected: float
    effective: float


@dataclass(frozen=True)
class Shifts:
    """Every run of a dataset under every shift.

    Args:
        column: whose values are the shifts.
        standard: the value without a shift.
        shifts: its other values.
        rows: a row a run and shift.
        fits: for each shift the line through all runs; None where there are too few.
    """

    column: str
    standard: Any
    shifts: tuple[Any, ...]
    rows: tuple[ShiftRow, ...]
    fits: Mapping[Any, Fit | None]


class StyleShifts(Changes):
    """Accuracy under a shift against accuracy without it."""

    def shifts(self, dataset: str, column: str, standard: Any = None) -> Shifts:
        """Effective robustness of every run on a dataset.

        The accuracy of a run under a shift is held against a line, fitted in logits through the
        other runs: accuracy under the shift over accuracy without. The run that is judged is left
        out of its own line. Where all runs come from few models, the line says how these models
        behave, no more.

        Args:
            dataset: its name.
            column: a group column of the runs, such as ``style``.
            standard: its value without a shift; the value with the most images when None.

        Raises:
            UnknownName: no run was measured by this column, or it has no such value.
            InputError: it has a single value.

        Source: Taori et al., Measuring Robustness to Natural Distribution Shifts, NeurIPS 2020.
        """
        runs = [run for run in self.zero_shot_runs(dataset) if column in run.groups]
        if not runs:
            known = {name for run in self.zero_shot_runs(dataset) for name in run.groups}
            raise UnknownName("column that runs were measured by", column, sorted(known))
        images: dict[Any, int] = {}
        for run in runs:
            for row in run.groups[column]:
                images[row["value"]] = max(images.get(row["value"], 0), row["n"])
        values = sorted(images, key=lambda value: (-images[value], str(value)))
        if standard is None:
            standard = values[0]
        if standard not in images:
            raise UnknownName(f"value of {column}", str(standard), [str(v) for v in values])
        others = tuple(value for value in values if value != standard)
        if not others:
            raise InputError(column, expected="at least two values", got=f"only {standard!r}")
        found = {value: _under(runs, column, standard, value) for value in others}
        rows = tuple(row for value in others for row in found[value][0])
        return Shifts(column, standard, others, rows, {v: found[v][1] for v in others})


def _under(
    runs: Sequence[ZeroShotRun], column: str, standard: Any, shift: Any
) -> tuple[list[ShiftRow], Fit | None]:
    """The rows of one shift, of the runs that were measured on both sides of it."""
    sides = []
    for run in runs:
        by_value = {row["value"]: row for row in run.groups[column]}
        if standard in by_value and shift in by_value:
            sides.append((run, by_value[standard], by_value[shift]))
    without = np.array([before["top1"] for _, before, _ in sides])
    under = np.array([after["top1"] for _, _, after in sides])
    rows = []
    for place, (run, before, after) in enumerate(sides):
        rest = np.arange(len(sides)) != place
        line = _line(without[rest], under[rest])
        expected, effective = float("nan"), float("nan")
        if line is not None:
            one = slice(place, place + 1)
            expected = float(line.expected(without[one])[0])
            effective = float(effective_robustness(line, without[one], under[one])[0])
        rows.append(
            ShiftRow(
                run=run,
                shift=shift,
                standard=before["top1"],
                standard_n=before["n"],
                shifted=after["top1"],
                low=after["low"],
                high=after["high"],
                n=after["n"],
                expected=expected,
                effective=effective,
            )
        )
    return rows, _line(without, under)


def _line(standard: Any, shifted: Any) -> Fit | None:
    try:
        return baseline_fit(standard, shifted)
    except InputError:  # too few runs that differ
        return None
