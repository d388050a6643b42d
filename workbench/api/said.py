"""Images of a run by what a person, or the rules of its review, said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import InputError
from workbench.measures.error_types import CATEGORIES
from workbench.types import Rows

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace

__all__ = ["NO_VERDICT", "REVIEW", "rows_said"]

REVIEW = "review"
NO_VERDICT = "none"
"""Asks for images that no person has judged yet."""


def rows_said(
    workspace: Workspace, run: Run, verdict: str | None, note: str
) -> tuple[Rows | None, Rows | None]:
    """Rows to keep and rows to leave out; None where there is no such condition.

    Args:
        workspace: where verdicts and notes are.
        run: the zero-shot run.
        verdict: a category: images that a person found to be of it, and those without a verdict
            that the run's newest review proposes it for. Or ``NO_VERDICT``.
        note: words that a note on the image, or on its verdict, holds.

    Raises:
        InputError: no such category.
    """
    dataset = str(run.params["dataset"])
    noted = workspace.notes.noted(dataset, note) if note.strip() else None
    if verdict is None:
        return noted, None
    if verdict == NO_VERDICT:
        return noted, workspace.verdicts.rows(dataset)
    if verdict not in CATEGORIES:
        expected = f"{NO_VERDICT!r} or one of {', '.join(CATEGORIES)}"
        raise InputError("verdict", expected=expected, got=repr(verdict))
    proposed = _proposed(workspace, run, verdict)
    judged = np.isin(proposed, workspace.verdicts.rows(dataset))
    rows = np.union1d(workspace.verdicts.rows(dataset, verdict), proposed[~judged])
    return rows if noted is None else np.intersect1d(rows, noted), None


def _proposed(workspace: Workspace, run: Run, category: str) -> Rows:
    found = workspace.runs.newest(REVIEW, run=run.key)
    if found is None:
        return np.empty(0, dtype=np.int64)
    table = workspace.runs.table(found, "proposals")
    mine = np.array([each == category for each in table["category"].to_pylist()], dtype=bool)
    return np.asarray(table["row"].to_numpy()[mine], dtype=np.int64)
