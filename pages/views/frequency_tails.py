"""Head and tail: accuracy of the frequent, the middling and the rare classes, cut by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from pages.shared import amounts, url
from pages.shared.chart import chart, figure_export
from pages.shared.plain import plain
from pages.views import frequency_classes, frequency_reports
from pages.views.frequency_reports import Shown
from workbench.longtail.tails import HEAD, MIDDLE, TAIL
from workbench.plots.tails import tail_bars

if TYPE_CHECKING:
    from workbench.longtail.tails import Tails

__all__ = ["draw"]

_LOW, _HIGH = 0.2, 0.8
_SHARE, _COUNT = "Share of classes", "Count"
_PLACES = {"tail": TAIL, "middle": MIDDLE, "head": HEAD}
_TITLES = {
    "overall": "All classes",
    "head": "Head",
    "middle": "Middle",
    "tail": "Tail",
    "worst_by_frequency": "The rarest fifth",
    "worst_by_accuracy": "The fifth of lowest accuracy",
}
_STEPS = (1, 2, 3, 5, 7)


def draw(ones: Sequence[Shown]) -> None:
    """Draw the tab."""
    by, low, high = _cuts(ones)
    found = {one.title: frequency_reports.groups(one, low, high, by) for one in ones}
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        _picture(ones, found)
        _words(ones, found)
    with right:
        _classes(ones, found)


def _cuts(ones: Sequence[Shown]) -> tuple[Literal["share", "count"], float, float]:
    """Where the tail ends and the head begins: shares of the classes, or counts."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        by = st.segmented_control(
            "Cut by",
            [_SHARE, _COUNT],
            default=_SHARE,
            required=True,
            key="by",
            bind="query-params",
            help="A share of the classes in the order of their frequency, or a frequency.",
        )
        if by == _COUNT:
            low, high = _count_cuts(ones)
            return "count", low, high
        low, high = st.slider(
            "Tail below, head above (share of the classes, the rarest first)",
            0.0,
            1.0,
            (_LOW, _HIGH),
            0.01,
            key="cut",
            bind="query-params",
            format="percent",
            width=460,
        )
    return "share", float(low), float(high)


def _count_cuts(ones: Sequence[Shown]) -> tuple[float, float]:
    """Two counts of a scale that is even in the logarithm."""
    known = [
        row["frequency"]
        for one in ones
        for row in frequency_reports.class_rows(one)
        if row["frequency"]
    ]
    scale = _scale(max(known, default=10.0))
    ordered = sorted(known) or [1.0]
    start = [ordered[int(share * (len(ordered) - 1))] for share in (_LOW, _HIGH)]
    asked = [url.read_int(name, round(at)) for name, at in zip(("low", "high"), start, strict=True)]
    low, high = (_nearest(scale, at) for at in asked)
    now = (min(low, high), max(low, high))
    key = f"count.cut.{now}"

    def moved() -> None:
        first, second = st.session_state[key]
        url.write(low=first, high=second)

    st.select_slider(
        f"Tail below, head from ({ones[0].unit})",
        scale,
        now,
        key=key,
        on_change=moved,
        format_func=lambda step: f"{step:,}",
        width=460,
    )
    return float(now[0]), float(now[1])


def _nearest(scale: Sequence[int], at: int) -> int:
    return min(scale, key=lambda step: abs(math.log(step / max(1, at))))


def _scale(largest: float) -> list[int]:
    found: list[int] = []
    power = 0
    while not found or found[-1] < largest:
        found += [step * 10**power for step in _STEPS]
        power += 1
    return found


def _picture(ones: Sequence[Shown], found: Mapping[str, Tails]) -> None:
    """Bars of the groups; a click lists the classes of one."""
    figure = tail_bars(found)
    titles = [one.title for one in ones]

    def clicked(point: Mapping[str, Any] | None) -> None:
        place = point.get("customdata") if point is not None else None
        if not place:
            return
        nth = titles.index(str(place[1])) if str(place[1]) in titles else 0
        frequency_classes.open_class(nth, None)
        url.write(group=str(place[0]))

    chart(figure, key="frequency.tails", on_click=clicked)
    st.caption(
        "Mean of the classes' accuracies with its 95% bootstrap interval over classes. The fifth "
        "of lowest accuracy is chosen by the accuracy itself: it is low for any model and says "
        "nothing of frequency. Click a bar for its classes."
    )
    rows = _rows(found)
    figure_export(figure, chart="frequency.tails", name="head-middle-tail", rows=rows)


def _rows(found: Mapping[str, Tails]) -> list[dict[str, Any]]:
    return [
        {
            "run": title,
            "group": group,
            "accuracy": measure.value,
            "low": measure.low,
            "high": measure.high,
            "classes": measure.n,
        }
        for title, each in found.items()
        for group, measure in ((group, getattr(each, group)) for group in _TITLES)
    ]


def _words(ones: Sequence[Shown], found: Mapping[str, Tails]) -> None:
    """What the cuts come to, and what the head has on the tail."""
    for one in ones:
        cut = found[one.title]
        gap = cut.head.value - cut.tail.value
        words = f"{plain(one.title)}: tail" if len(ones) > 1 else "Tail"
        words += f" below {_count(cut.cuts[0])} {one.unit}, head from {_count(cut.cuts[1])}"
        if not math.isnan(gap):
            head, tail = (
                f"{each.value:.1f}% of {amounts.count(each.n)}" for each in (cut.head, cut.tail)
            )
            side = "above" if gap >= 0 else "below"
            words += f"; the head is **{abs(gap):.1f} points** {side} the tail "
            words += f"({head} classes against {tail})"
        st.markdown(f"{words}.")


def _count(value: float) -> str:
    return "any number of" if math.isinf(value) else f"{value:,.0f}"


def _classes(ones: Sequence[Shown], found: Mapping[str, Tails]) -> None:
    """The classes of the group that is open; those of the tail at first."""
    group = url.read("group")
    group = group if group in _TITLES else "tail"
    one = frequency_classes.looked_at(ones)
    indices = _members(one, found[one.title], group)
    frequency_classes.beside(ones, indices, _TITLES[group], key="tails")


def _members(one: Shown, cut: Tails, group: str) -> list[int]:
    """Places of the classes of a group."""
    place = cut.place.tolist()
    if group in _PLACES:
        return [index for index, each in enumerate(place) if each == _PLACES[group]]
    known = [row for row in frequency_reports.class_rows(one) if place[row["index"]] >= 0]
    if group == "overall":
        return [row["index"] for row in known]
    column = "frequency" if group == "worst_by_frequency" else "accuracy"
    lowest = sorted(known, key=lambda row: row[column])[: getattr(cut, group).n]
    return [row["index"] for row in lowest]
