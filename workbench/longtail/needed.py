"""How much more data the fitted line says a gain in accuracy would take."""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError
from workbench.longtail.fit import Fit
from workbench.measures.interval import Measure

__all__ = ["CAUTION", "times_more"]

CAUTION = (
    "This reads the line across classes as if it held for one class whose captions are "
    "multiplied. Classes differ in more than frequency, and the line ends at 100 percent, so take "
    "it as the size of the effort, not as a promise."
)
"""The note that stands beside the figure."""


def times_more(fit: Fit, *, gain: float = 10.0) -> Measure:
    """Factor on every concept's captions that the line says gains so many accuracy points.

    accuracy = a + b · log10(count) gains g points when the count grows 10^(g / b) times. A line
    that is level or falls gains nothing by any amount of data: the factor is then infinite. As the
    factor falls steadily with the slope, the ends of its interval are those of the slope.

    Args:
        fit: per class or binned.
        gain: accuracy points, above 0.

    Returns:
        the factor, above 1, infinite where no amount is enough, NaN where the slope is not
        defined; n as in the fit.

    Raises:
        InputError: a gain that is not above 0.

    Source: the log-linear reading of Udandarao et al., NeurIPS 2024.
    """
    if not gain > 0:
        raise InputError("gain", expected="accuracy points above 0", got=f"{gain:g}")
    slope = fit.slope
    return Measure(
        _factor(gain, slope.value), _factor(gain, slope.high), _factor(gain, slope.low), slope.n
    )


def _factor(gain: float, slope: float) -> float:
    if slope <= 0:
        return float("inf")
    with np.errstate(over="ignore"):
        return float(np.float64(10.0) ** (gain / np.float64(slope)))
