"""How much better a model holds up under a shift than its accuracy without the shift lets expect.

Accuracies under a shift lie on a line over those without it once both axes are logits. The line is
fitted to baseline models; what a model has above it is its effective robustness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = ["Fit", "baseline_fit", "effective_robustness", "logit"]


@dataclass(frozen=True)
class Fit:
    """The line of the baseline models: logit(shifted) = intercept + slopes · logit(standard).

    Args:
        slopes: one for each standard test set.
        intercept: in logits.
        r2: share of the variance of the shifted logits that the line explains; NaN where they do
            not vary.
        n: models that it rests on.
        left_out: models whose accuracy is unknown or exactly 0 or 1 somewhere, where the logit is
            infinite.
    """

    slopes: tuple[float, ...]
    intercept: float
    r2: float
    n: int
    left_out: int

    def expected(self, standard: NDArray[Any]) -> NDArray[np.float64]:
        """Accuracy under the shift that the line predicts: float64 (M,), in [0, 1].

        Args:
            standard: (M,) accuracies without the shift in [0, 1], or (M, K) on K test sets. At
                exactly 0 and 1 it is the limit of the line; NaN gives NaN.
        """
        columns = _columns(standard)
        if columns.shape[1] != len(self.slopes):
            got = f"{columns.shape[1]}"
            raise InputError("standard", expected=f"{len(self.slopes)} test sets", got=got)
        with np.errstate(invalid="ignore", over="ignore"):
            exponent = -(logit(columns) @ np.array(self.slopes) + self.intercept)
            found: NDArray[np.float64] = 1 / (1 + np.exp(exponent))
        return found


def logit(accuracy: NDArray[Any]) -> NDArray[np.float64]:
    """ln(a / (1 - a)): float64; infinite at 0 and 1, NaN where unknown.

    Raises:
        InputError: a value outside [0, 1], such as a percentage.
    """
    accuracy = np.asarray(accuracy, dtype=np.float64)
    outside = accuracy[(accuracy < 0) | (accuracy > 1)]
    if outside.size:
        do = "Divide percentages by 100."
        got = f"{outside[0]:g}"
        raise InputError("accuracy", expected="values from 0 to 1", got=got, do=do)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(accuracy) - np.log1p(-accuracy))


def baseline_fit(standard: NDArray[Any], shifted: NDArray[Any]) -> Fit:
    """The least-squares line through the baseline models, in logits.

    Which models are the baseline decides the answer: choose them before looking, and leave the
    model that is to be judged out.

    Args:
        standard: (M,) accuracies without the shift in [0, 1], or (M, K) on K test sets (Shi et
            al., 2023). Where the shifted set has fewer classes, restricted to these.
        shifted: (M,) accuracies of the same models under the shift.

    Raises:
        InputError: arrays that do not fit, or too few different models to tell the line.

    Source: Taori et al., Measuring Robustness to Natural Distribution Shifts, NeurIPS 2020.
    """
    columns, target = logit(_columns(standard)), logit(shifted)
    if target.shape != columns.shape[:1]:
        expected, got = f"{len(columns)} accuracies", f"shape {target.shape}"
        raise InputError("shifted", expected=expected, got=got)
    usable = np.isfinite(target) & np.isfinite(columns).all(axis=1)
    design = np.column_stack([columns[usable], np.ones(usable.sum())])
    if len(design) < design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        raise InputError(
            "baseline models",
            expected=f"at least {design.shape[1]} that differ, with accuracies between 0 and 1",
            got=f"{len(design)} usable of {len(usable)}",
            do="Add models to the baseline.",
        )
    line = np.linalg.lstsq(design, target[usable], rcond=None)[0]
    return Fit(
        slopes=tuple(line[:-1].tolist()),
        intercept=float(line[-1]),
        r2=_explained(target[usable], design @ line),
        n=len(design),
        left_out=int(len(usable) - len(design)),
    )


def effective_robustness(
    fit: Fit, standard: NDArray[Any], shifted: NDArray[Any]
) -> NDArray[np.float64]:
    """Accuracy under the shift minus the one that the line predicts: float64 (M,), in [-1, 1].

    0 on the line; 0.05 means five points of accuracy above it.

    Args:
        fit: of the baseline models.
        standard: (M,) or (M, K) accuracies of the models to judge, as the fit was made.
        shifted: (M,) theirs under the shift.
    """
    logit(shifted)  # refuses percentages
    return np.asarray(shifted, dtype=np.float64) - fit.expected(standard)


def _columns(standard: NDArray[Any]) -> NDArray[np.float64]:
    found = np.asarray(standard, dtype=np.float64)
    if found.ndim not in (1, 2):
        raise InputError("standard", expected="shape (M,) or (M, K)", got=f"{found.shape}")
    return found[:, None] if found.ndim == 1 else found


def _explained(target: NDArray[np.float64], fitted: NDArray[np.float64]) -> float:
    spread = float(((target - target.mean()) ** 2).sum())
    return 1 - float(((target - fitted) ** 2).sum()) / spread if spread > 0 else float("nan")
