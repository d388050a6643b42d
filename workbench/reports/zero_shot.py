"""A zero-shot run as one HTML page: what was asked, what came out, and the worst mistakes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.measures.interval import Measure
from workbench.measures.naming import MEASURES, worded
from workbench.plots import classes as class_figures
from workbench.plots import confusion, reliability, risk, style
from workbench.reports.markup import Html, data_uri, element, join, table
from workbench.reports.page import figure_box, page

__all__ = ["Mistake", "ZeroShotReport", "zero_shot_page"]

_PAIRS = 50
_CLASS_COLUMNS = (
    ("class", "The name that was put into prompts."),
    ("images", "Images whose true class it is."),
    ("accuracy", "Share of them that were answered rightly."),
    ("95% interval", "Of the accuracy, by Wilson."),
    ("precision", "Share of the images answered with the class that are of it."),
    ("F1", "Harmonic mean of accuracy and precision."),
    ("ECE", "Gap between confidence and accuracy over its images, in 15 bins."),
    ("mostly taken for", "The wrong class that most of its images went to, with how many did."),
)


@dataclass(frozen=True)
class Mistake:
    """One image that got a wrong answer.

    Args:
        item: its id, such as a file name.
        truth: name of the true class.
        predicted: name of the answer.
        confidence: probability of the answer.
        margin: logit of the true class minus that of the best other one; negative.
        rank: place of the true class, from 1.
        columns: metadata to show: column -> value.
        picture: WebP of at most some hundred pixels; None where it cannot be had.
    """

    item: str
    truth: str
    predicted: str
    confidence: float
    margin: float
    rank: int
    columns: Mapping[str, Any]
    picture: bytes | None


@dataclass(frozen=True)
class ZeroShotReport:
    """What the page of a run shows. Every text in it may come from strangers.

    Args:
        title: of the page.
        facts: (what, value): dataset, model, head, options, seed, versions ...
        prompts: templates, or the prompts of the first classes.
        measures: name -> figure with interval and images.
        groups: column -> for each value a mapping with value, top1, low, high, n.
        temperature: that calibrates the probabilities best; NaN where it was not fitted.
        reliability: of the raw and of the scaled probabilities, the bins.
        curve: coverages and risks when only the most confident images are answered.
        notes: sentences on what was left out and how.
        classes: a mapping a class, as in ``Workbench.run_classes``.
        confusion: int (S,) truth, predicted and images of the cells that are not empty.
        order: int (C,) the classes in an order in which confused ones stand together.
        mistakes: the worst first.
        mistaken: how many images got a wrong answer, of which ``mistakes`` are some.
        images: of the run.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    prompts: Sequence[str]
    measures: Mapping[str, Measure]
    groups: Mapping[str, Sequence[Mapping[str, Any]]]
    temperature: float
    reliability: Mapping[str, Sequence[tuple[float, float, float, int]]]
    curve: tuple[Sequence[float], Sequence[float]]
    notes: Sequence[str]
    classes: Sequence[Mapping[str, Any]]
    confusion: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
    order: NDArray[Any]
    mistakes: Sequence[Mistake]
    mistaken: int
    images: int


def zero_shot_page(report: ZeroShotReport) -> bytes:
    """The report as one HTML file that opens without the app and without a network."""
    return page(
        report.title,
        join(*(element("p", note) for note in report.notes)),
        _measures(report),
        _asked(report),
        _groups(report),
        _certainty(report),
        _classes(report),
        _confused(report),
        _mistakes(report),
    )


def _measures(report: ZeroShotReport) -> Html:
    rows = []
    for name, measure in report.measures.items():
        title, words, _ = MEASURES.get(name, (name, "", False))
        rows.append((title, worded(name, measure), style.count(measure.n), words))
    heads = (("measure", ""), ("value (95% interval)", ""), ("images", ""), ("what it is", ""))
    return _section("Measures", table(heads, rows, numeric=(2,), class_="measures"))


def _asked(report: ZeroShotReport) -> Html:
    lines = [element("tr", element("td", what), element("td", said)) for what, said in report.facts]
    prompts = element(
        "details",
        element("summary", f"Templates or prompts ({len(report.prompts):,} shown)"),
        element("pre", "\n".join(report.prompts)),
    )
    return _section("What was asked", element("table", *lines, class_="facts"), prompts)


def _groups(report: ZeroShotReport) -> Html:
    parts: list[Html] = []
    for column, groups in report.groups.items():
        bars = [
            ("this run", str(g["value"]), g["top1"], g["low"], g["high"], g["n"]) for g in groups
        ]
        heads = ((column, ""), ("top-1 (95% interval)", ""), ("images", ""))
        rows = [
            (value, worded("top1", Measure(top1, low, high, n)), style.count(n))
            for _, value, top1, low, high, n in bars
        ]
        if rows:
            drawn = figure_box(class_figures.group_bars(bars), f"Top-1 accuracy by {column}")
            parts.append(element("div", drawn, table(heads, rows, numeric=(1, 2)), class_="pair"))
    return _section("Groups", *parts) if parts else Html("")


def _certainty(report: ZeroShotReport) -> Html:
    found = [
        figure_box(
            risk.risk_coverage({"this run": report.curve}),
            "Error rate among the most confident images",
            "against the share of images that is answered.",
        )
    ]
    if report.reliability:
        note = "On the diagonal confidence can be believed."
        if not math.isnan(report.temperature):
            note += f" Scaled: logits divided by the temperature {report.temperature:.2f}."
        made = reliability.reliability_diagram(report.reliability)
        found.append(figure_box(made, "Accuracy in each bin of confidence.", note))
    return _section("Certainty", element("div", *found, class_="pair"))


def _classes(report: ZeroShotReport) -> Html:
    names = [str(row["name"]) for row in report.classes]
    accuracies = [_number(row["accuracy"]) for row in report.classes]
    rows = [
        (
            row["name"],
            style.count(row["n"]),
            _percent(row["accuracy"]),
            _interval(row),
            _percent(row["precision"]),
            _percent(row["f1"]),
            _plain(row["ece"]),
            None
            if row["confused_name"] is None
            else f"{row['confused_name']} ({row['confused_count']:,})",
        )
        for row in report.classes
    ]
    return _section(
        f"Classes ({len(names):,})",
        figure_box(class_figures.rank_accuracy(names, accuracies), "Accuracy of each class."),
        element(
            "div",
            table(_CLASS_COLUMNS, rows, numeric=(1, 2, 3, 4, 5, 6), class_="sort"),
            class_="scroll",
        ),
    )


def _confused(report: ZeroShotReport) -> Html:
    truth, predicted, count = report.confusion
    names = [str(row["name"]) for row in report.classes]
    made = confusion.confusion_matrix(truth, predicted, count, names, order=report.order)
    wrong = np.flatnonzero(truth != predicted)
    fullest = wrong[np.argsort(-count[wrong], kind="stable")][:_PAIRS]
    rows = [
        (names[t], names[p], style.count(n), _percent(n / report.classes[t]["n"]))
        for t, p, n in zip(
            truth[fullest].tolist(), predicted[fullest].tolist(), count[fullest].tolist(),
            strict=True,
        )
    ]  # fmt: skip
    heads = (
        ("true class", ""),
        ("taken for", ""),
        ("images", ""),
        ("of the class", "Share of the images of the true class."),
    )
    pairs = element("div", table(heads, rows, numeric=(2, 3), class_="sort"), class_="scroll")
    return _section(
        "Confusions",
        figure_box(
            made,
            "Share of each true class's images that went to each predicted class.",
            "Classes that are confused stand together.",
        ),
        element("h3", f"The {len(rows):,} most frequent of {len(wrong):,} confused pairs"),
        pairs,
    )


def _mistakes(report: ZeroShotReport) -> Html:
    if not report.mistakes:
        return Html("")
    words = f"{report.mistaken:,} of {report.images:,} images are mistaken. "
    words += f"Here are {len(report.mistakes):,}, the furthest off first, by margin: the logit of "
    words += "the true class minus that of the best wrong one. Place: of the true class among all."
    cells = [_mistake(one) for one in report.mistakes]
    return _section("Worst mistakes", element("p", words), element("ul", *cells, class_="gallery"))


def _mistake(one: Mistake) -> Html:
    picture: object = "no picture"
    if one.picture is not None:
        picture = element("img", src=data_uri(one.picture, "image/webp"), alt=one.item)
    extra = [element("div", f"{name}: {value}") for name, value in one.columns.items()]
    return element(
        "li",
        element("div", picture, class_="picture"),
        element("div", "is ", element("b", one.truth)),
        element("div", "taken for ", element("span", one.predicted, class_="said")),
        element("div", f"confidence {one.confidence:.1%}"),
        element("div", f"margin {one.margin:.2f}, place {one.rank:,}"),
        *extra,
        element("div", one.item, class_="note"),
    )


def _section(title: str, *parts: object) -> Html:
    return element("section", element("h2", title), *parts)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _percent(value: float | None) -> tuple[float, str] | None:
    return None if value is None or math.isnan(value) else (value, f"{value:.1%}")


def _plain(value: float | None) -> tuple[float, str] | None:
    return None if value is None or math.isnan(value) else (value, f"{value:.3f}")


def _interval(row: Mapping[str, Any]) -> tuple[float, str] | None:
    if row["low"] is None or math.isnan(row["low"]):
        return None
    return row["low"], f"{row['low']:.1%} to {row['high']:.1%}"
