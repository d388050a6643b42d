"""The page's answers, each asked for once: what a source says never changes under its key."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from pages.shared.handle import api
from pages.views.frequency_sources import Chosen
from workbench.api import TailReport

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.longtail.calibration import Calibration
    from workbench.longtail.partial import Partial
    from workbench.longtail.tails import Tails

__all__ = [
    "Shown",
    "calibration",
    "class_rows",
    "groups",
    "kinds",
    "partial",
    "scatter",
    "shown",
]

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shown:
    """One source of accuracies, related.

    Args:
        key: of the source.
        title: on screen; not escaped.
        frequency: key of the source of frequencies.
        renames: those of the chosen ones that name a class and a concept that are there.
        bins: of frequency.
        report: what came out.
    """

    key: str
    title: str
    frequency: str
    renames: Pairs
    bins: int
    report: TailReport

    @property
    def run(self) -> str:
        """Key of the run; empty for published accuracies."""
        return self.report.accuracies.run

    @property
    def unit(self) -> str:
        """What a frequency counts, in the plural."""
        return "images tagged" if self.frequency.startswith("images:") else "captions"


def shown(chosen: Chosen) -> list[Shown]:
    """Every chosen source of accuracies with its report."""
    found = []
    for key, title in chosen.accuracies.items():
        pairs = _usable(key, chosen.frequency, chosen.renames)
        report = _report(key, chosen.frequency, chosen.bins, pairs)
        found.append(Shown(key, title, chosen.frequency, pairs, chosen.bins, report))
    return found


def _usable(accuracy: str, frequency: str, pairs: Pairs) -> Pairs:
    """The renames that can be made here: others belong to another choice of sources."""
    if not pairs:
        return ()
    classes, counted = _names(accuracy, frequency)
    return tuple((old, new) for old, new in pairs if old in classes and new in counted)


@st.cache_resource(max_entries=50, show_spinner=False)
def _names(accuracy: str, frequency: str) -> tuple[frozenset[str], frozenset[str]]:
    bench = api()
    return frozenset(bench.accuracies(accuracy).names), frozenset(bench.frequency(frequency).names)


@st.cache_resource(max_entries=50, show_spinner=False)
def _report(accuracy: str, frequency: str, bins: int, renames: Pairs) -> TailReport:
    return api().tail(accuracy, frequency, bins=bins, renames=dict(renames))


def groups(one: Shown, low: float, high: float, by: Literal["share", "count"]) -> Tails:
    """Head, middle and tail at these cuts."""
    return _groups(one.key, one.frequency, (low, high, by), one.renames)


@st.cache_resource(max_entries=200, show_spinner=False)
def _groups(
    accuracy: str,
    frequency: str,
    cut: tuple[float, float, Literal["share", "count"]],
    renames: Pairs,
) -> Tails:
    low, high, by = cut
    return api().tail_groups(accuracy, frequency, low=low, high=high, by=by, renames=dict(renames))


def partial(one: Shown, covariates: Sequence[str]) -> Partial:
    """The effect of frequency at fixed covariates."""
    return _partial(one.key, one.frequency, tuple(covariates), one.renames)


@st.cache_resource(max_entries=100, show_spinner=False)
def _partial(accuracy: str, frequency: str, covariates: tuple[str, ...], renames: Pairs) -> Partial:
    return api().tail_partial(accuracy, frequency, covariates, renames=dict(renames))


def calibration(one: Shown) -> Calibration:
    """Calibration of a run's images by the frequency of their class."""
    return _calibration(one.run, one.frequency, one.bins, one.renames)


@st.cache_resource(max_entries=50, show_spinner=False)
def _calibration(run: str, frequency: str, bins: int, renames: Pairs) -> Calibration:
    return api().tail_calibration(run, frequency, bins=bins, renames=dict(renames))


def kinds(one: Shown) -> list[list[int]] | None:
    """Mistakes of each kind in each row of ``calibration``; None before the run's review."""
    if api().review(one.run) is None:
        return None
    return _kinds(one.run, one.frequency, one.bins, one.renames)


@st.cache_resource(max_entries=50, show_spinner=False)
def _kinds(run: str, frequency: str, bins: int, renames: Pairs) -> list[list[int]]:
    found = api().tail_kinds(run, frequency, bins=bins, renames=dict(renames))
    rows: list[list[int]] = [] if found is None else found.tolist()
    return rows


def scatter(ones: Sequence[Shown]) -> tuple[Figure, tuple[int, ...]]:
    """The figure of all, and for each the number of its first class in the figure."""
    asked = tuple((one.key, one.title, one.frequency, one.bins, one.renames) for one in ones)
    return _scatter(asked, [one.report for one in ones])


@st.cache_resource(max_entries=20, show_spinner=False)
def _scatter(
    asked: tuple[tuple[str, str, str, int, Pairs], ...], _reports: list[TailReport]
) -> tuple[Figure, tuple[int, ...]]:
    """Runs may have different classes: those of each follow those of the one before."""
    from workbench.plots.frequency import FrequencyRun, accuracy_by_frequency

    total = sum(len(report.accuracies.names) for report in _reports)
    names: list[str] = []
    starts, runs = [], []
    for (_, title, *_), report in zip(asked, _reports, strict=True):
        before, size = len(names), len(report.accuracies.names)
        gap = [float("nan")] * before, [float("nan")] * (total - before - size)
        counts, values = report.frequency.counts.tolist(), report.accuracies.accuracy.tolist()
        runs.append(
            FrequencyRun(
                name=title,
                counts=[*gap[0], *counts, *gap[1]],
                accuracy=[*gap[0], *values, *gap[1]],
                bins=report.bins,
                per_class=report.fit,
                binned=report.binned,
            )
        )
        starts.append(before)
        names += report.accuracies.names
    tagged = asked[0][2].startswith("images:")
    what = "images tagged with the concept" if tagged else "captions with the concept"
    return accuracy_by_frequency(names, runs, title=what), tuple(starts)


def class_rows(one: Shown) -> list[dict[str, Any]]:
    """Every class with its frequency, its accuracy and what the line per class expects of it."""
    return _class_rows(one.key, one.frequency, one.bins, one.renames, one.report)


@st.cache_resource(max_entries=50, show_spinner=False)
def _class_rows(
    accuracy: str, frequency: str, bins: int, renames: Pairs, _report: TailReport
) -> list[dict[str, Any]]:
    scored, counts = _report.accuracies, _report.frequency.counts
    images = scored.images.tolist() if scored.images is not None else [None] * len(scored.names)
    columns = (
        scored.names,
        counts.tolist(),
        scored.accuracy.tolist(),
        _report.fit.at(counts).tolist(),
        images,
        _report.bins.place.tolist(),
    )
    return [
        {
            "index": index,
            "class": name,
            "frequency": _number(count),
            "accuracy": _number(value),
            "expected": _number(expected),
            "difference": _number(value - expected),
            "images": n,
            "bin": place,
        }
        for index, (name, count, value, expected, n, place) in enumerate(zip(*columns, strict=True))
    ]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
