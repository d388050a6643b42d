"""Reviewing the mistakes of a zero-shot run: proposals, verdicts, doubtful labels, slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.api.said import REVIEW
from workbench.api.shifts import StyleShifts
from workbench.errors import InputError
from workbench.measures.error_types import CATEGORIES, Reviewed, reviewed_accuracy
from workbench.types import JobInfo

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run

__all__ = ["Review", "RunReview"]

CODE = 4


@dataclass(frozen=True)
class RunReview:
    """What was found out about the mistakes of a run.

    Args:
        run: key of the run.
        issues: rule of confident learning (``measures.confident.LABEL_RULES``) -> labels that it
            doubts.
        labelled: images with a label.
        categories: category -> mistakes that the rules propose it for.
        slices: for each group of mistakes its size, words, excesses (see
            ``measures.over_represented``), answers (the same of wrong answers) and cohesion; the
            most surprising first.
        pairs: wrong answers that gather on a group value: predicted (class), column, value,
            inside, part, expected, lift, p, p_corrected; the most surprising first.
    """

    run: str
    issues: Mapping[str, int]
    labelled: int
    categories: Mapping[str, int]
    slices: tuple[Mapping[str, Any], ...]
    pairs: tuple[Mapping[str, Any], ...]


class Review(StyleShifts):
    """Questions about mistakes, and what people say of them."""

    def submit_review(self, key: str) -> JobInfo:
        """Queue the review of a run; the same run is never reviewed twice.

        Raises:
            UnknownName: no such run.
        """
        run = self._zero_shot(key)
        title = f"Review the mistakes of {run.params['head']} on {run.params['dataset']}"
        params = {"run": key, "code": CODE}
        return self.workspace.jobs.submit(REVIEW, params, title=title, unit="images", priority=5)

    def review(self, key: str) -> RunReview | None:
        """What the review of a run found; None before it was made."""
        found = self._review_run(key)
        if found is None:
            return None
        result = found.result
        return RunReview(
            run=key,
            issues=result["issues"],
            labelled=result["labelled"],
            categories=result["categories"],
            slices=tuple(result["slices"]),
            pairs=tuple(result["pairs"]),
        )

    def review_table(self, key: str, name: str) -> pa.Table:
        """A table of a review: ``issues``, ``proposals`` or ``slices``.

        Raises:
            InputError: the run was not reviewed yet.
            UnknownName: no such table.
        """
        found = self._review_run(key)
        if found is None:
            raise InputError(f"review of run {key}", expected="a review", got="none yet")
        return self.workspace.runs.table(found, name)

    def _review_run(self, key: str) -> Run | None:
        self._zero_shot(key)
        return self.workspace.runs.find(REVIEW, {"run": key, "code": CODE})

    def verdicts(self, dataset: str) -> dict[str, tuple[str, str]]:
        """What people found: item id -> (category, note)."""
        return self.workspace.verdicts.all(dataset)

    def set_verdict(self, dataset: str, item: str, category: str, note: str = "") -> None:
        """Say what a mistake is; an empty category takes it back.

        Raises:
            UnknownName: no such dataset.
            InputError: no such category.
        """
        if category and category not in CATEGORIES:
            expected = f"one of {', '.join(CATEGORIES)}"
            raise InputError("verdict", expected=expected, got=repr(category))
        self.workspace.verdicts.put(dataset, item, category, note)

    def reviewed(self, key: str) -> Reviewed:
        """Accuracy of a run before and after the verdicts on its images.

        Raises:
            UnknownName: no such run.
        """
        run = self._zero_shot(key)
        dataset = run.params["dataset"]
        table = self.workspace.predictions.table(run)
        truth, predicted = table["truth"].to_numpy(), table["predicted"].to_numpy()
        known = np.flatnonzero(truth >= 0)
        said = self.verdicts(dataset)
        places: dict[int, str] = {}
        if said:
            rows = table["row"].to_numpy()[known]
            items = self.workspace.tables.take(dataset, rows, ["item"])["item"].to_pylist()
            places = {i: said[item][0] for i, item in enumerate(items) if item in said}
        return reviewed_accuracy((truth == predicted)[known], places)
