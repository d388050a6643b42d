"""What frequency still explains once other properties of the classes are held fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.longtail.fit import correlation_p, draw_sums, interval, seen
from workbench.measures.interval import Measure
from workbench.types import check_unit_rows

__all__ = ["Partial", "name_lengths", "nearest_name", "partial"]

_FLAT = 1e-10
"""A share of variance below this is rounding: the variable says nothing of its own."""


@dataclass(frozen=True)
class Partial:
    """Accuracy on log10(count) with Z covariates in the same line.

    Args:
        r: partial correlation in [-1, 1]: of accuracy and log10(count), both with what the
            covariates explain taken out. NaN where nothing is left of either, as where one of
            them does not vary at all.
        p: its two-sided p-value (t-test with n - 2 - Z degrees of freedom).
        slope: accuracy points per tenfold frequency at fixed covariates.
        r_alone: correlation of the same classes without covariates, for comparison.
        slope_alone: slope of the same classes without covariates.
        effects: covariate -> accuracy points per standard deviation of it, at fixed frequency
            and other covariates; NaN for those in ``constant``.
        shared: covariate -> its correlation with log10(count); NaN for those in ``constant``.
        constant: covariates that do not vary; they control for nothing and were left out.
        n: classes of known frequency, accuracy and covariates.
        zeros: classes with a true count of 0; not in the line.
        absent: classes without count, accuracy or a covariate.
    """

    r: Measure
    p: float
    slope: Measure
    r_alone: float
    slope_alone: float
    effects: Mapping[str, float]
    shared: Mapping[str, float]
    constant: tuple[str, ...]
    n: int
    zeros: int
    absent: int


def partial(
    counts: NDArray[Any],
    accuracy: NDArray[Any],
    covariates: Mapping[str, NDArray[Any]],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Partial:
    """The effect of frequency on accuracy at fixed covariates, by least squares.

    Args:
        counts: (C,) times each concept was seen; NaN where it is not known.
        accuracy: (C,) in percent; NaN where it is not known.
        covariates: name -> (C,) a number a class, such as the length of its name or its
            similarity to the nearest other name; NaN where it is not known.
        resamples: bootstrap draws of whole classes for the intervals.
        seed: the same seed gives the same intervals.

    Raises:
        InputError: no covariate, or one of another length; counts as in ``fit_classes``.

    Source: partial correlation by residuals, e.g. Kendall and Stuart, The Advanced Theory of
        Statistics, volume 2, chapter 27.
    """
    counts, accuracy, inside, zeros = seen(counts, accuracy)
    given = _checked(covariates, len(counts))
    known = np.isfinite(np.stack(list(given.values()))).all(axis=0)
    inside, zeros = inside & known, zeros & known
    x, y = np.log10(counts[inside]), accuracy[inside]
    varying = {name: z[inside] for name, z in given.items() if _varies(z[inside])}
    units, scale = _standard(np.stack([x, y, *varying.values()], axis=1))
    moments, n = _moments(units), len(x)
    r, slope, effects = _solved(moments.sum(axis=0)[None])
    drawn_r, drawn_slope, _ = _solved(draw_sums(moments, resamples=resamples, seed=seed))
    alone = units.T @ units / max(1, n)
    per = float(scale[1] / scale[0])
    named = dict(zip(varying, effects[0] * scale[1], strict=True))
    with_x = dict(zip(varying, alone[0, 2:], strict=True))
    return Partial(
        r=Measure(float(r[0]), *interval(drawn_r), n),
        p=correlation_p(float(r[0]), n, controls=len(varying)),
        slope=Measure(float(slope[0]) * per, *interval(drawn_slope * per), n),
        r_alone=float(alone[0, 1]) if n else float("nan"),
        slope_alone=float(alone[0, 1]) * per,
        effects={name: float(named.get(name, np.nan)) for name in given},
        shared={name: float(with_x.get(name, np.nan)) for name in given},
        constant=tuple(name for name in given if name not in varying),
        n=n,
        zeros=int(zeros.sum()),
        absent=len(counts) - n - int(zeros.sum()),
    )


def name_lengths(names: Sequence[str]) -> NDArray[np.float64]:
    """Words in each name, underscores and hyphens as blanks: float64 (C,)."""
    return np.array(
        [len(name.replace("_", " ").replace("-", " ").split()) for name in names], float
    )


def nearest_name(texts: NDArray[Any]) -> NDArray[np.float64]:
    """Cosine of each class's text with the most similar other class: float64 (C,), in [-1, 1].

    High values mark classes that are easy to confuse whatever their frequency. NaN for a single
    class.

    Args:
        texts: (C, D) one unit vector a class.

    Raises:
        InputError: rows that are not of unit length.
    """
    check_unit_rows(texts, "class texts")
    texts = texts.astype(np.float32, copy=False)
    found = np.full(len(texts), np.nan)
    for start in range(0, len(texts) if len(texts) > 1 else 0, 1024):
        sim = texts[start : start + 1024] @ texts.T
        rows = np.arange(len(sim))
        sim[rows, rows + start] = -np.inf
        found[start : start + len(sim)] = np.clip(sim.max(axis=1), -1, 1)
    return found


def _checked(covariates: Mapping[str, NDArray[Any]], n: int) -> dict[str, NDArray[np.float64]]:
    given = {name: np.asarray(values, np.float64) for name, values in covariates.items()}
    if not given:
        raise InputError("covariates", expected="at least one", got="none")
    for name, values in given.items():
        if values.shape != (n,):
            what = f"covariate {name!r}"
            raise InputError(
                what, expected=f"a number for each of {n} classes", got=str(values.shape)
            )
    return given


def _varies(values: NDArray[np.float64]) -> bool:
    return len(values) > 0 and bool(values.var() > _FLAT * (1e-300 + (values**2).mean()))


def _standard(
    columns: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns (n, V) in their standard deviations, and those (V,); NaN where one does not vary.

    Covariates come in any unit; the matrices that are inverted must not.
    """
    scale = np.array([each.std() if _varies(each) else np.nan for each in columns.T])
    return (columns - columns.mean(axis=0) if len(columns) else columns) / scale, scale


def _moments(units: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row the products of (1, x, y, z...) with one another: (n, (2 + Z + 1)²)."""
    whole = np.concatenate((np.ones((len(units), 1)), units), axis=1)
    products: NDArray[np.float64] = whole[:, :, None] * whole[:, None, :]
    return products.reshape(len(whole), whole.shape[1] ** 2)


def _solved(
    sums: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Partial r (B,), slope of x (B,) and slopes of the covariates (B, Z), in standard units.

    Args:
        sums: (B, F) sums of ``_moments``.
    """
    size = int(np.sqrt(sums.shape[1]))
    whole = sums.reshape(-1, size, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = whole[:, 0, 1:] / whole[:, 0, :1]
        cov = whole[:, 1:, 1:] / whole[:, :1, :1] - means[:, :, None] * means[:, None, :]
    none = ~np.isfinite(cov).all(axis=(1, 2))
    cov[none] = 0
    x_rest, y_rest, xy_rest = _residual(cov)
    with np.errstate(divide="ignore", invalid="ignore"):
        x_left = np.where(~none & (x_rest > _FLAT * cov[:, 0, 0]), x_rest, np.nan)
        y_left = np.where(y_rest > _FLAT * cov[:, 1, 1], y_rest, np.nan)
        r = np.clip(xy_rest / np.sqrt(x_left * y_left), -1, 1)
        slope = xy_rest / x_left
    # y's own line on the covariates, less what x carries of it
    inverse = np.linalg.pinv(cov[:, 2:, 2:], hermitian=True)
    left = cov[:, 2:, 1] - slope[:, None] * cov[:, 2:, 0]
    return r, slope, np.einsum("bij,bj->bi", inverse, left)


def _residual(
    cov: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Variances of x and y and their covariance, with what the covariates explain taken out."""
    inverse = np.linalg.pinv(cov[:, 2:, 2:], hermitian=True)
    explained = np.einsum("bik,bkl,bjl->bij", cov[:, :2, 2:], inverse, cov[:, :2, 2:])
    rest = cov[:, :2, :2] - explained
    return rest[:, 0, 0], rest[:, 1, 1], rest[:, 0, 1]
