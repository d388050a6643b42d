"""The most frequent names: what calling each class as captions do gains, and where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, nav, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import changed, countings
from workbench.api import CountRun, ZeroShotRun
from workbench.longtail.synonyms import ClassGain, Gain
from workbench.measures.interval import Measure
from workbench.plots import synonyms as figures
from workbench.types import JobInfo

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_KIND = "evaluate-zero-shot"
_MOST = 100_000


class _NotYet(Exception):
    """The run with the new names was not made: nothing to cache."""


@dataclass(frozen=True)
class _Found:
    """What the tab shows.

    Args:
        other: key of the run with the new names.
        gain: as asked.
        moved: the classes that got a new name or another accuracy, the largest gain first.
        fixed: rows of the images that only the new names get right.
        broken: of those that only the given names get right.
    """

    other: str
    gain: Gain
    moved: tuple[ClassGain, ...]
    fixed: tuple[int, ...]
    broken: tuple[int, ...]


def draw(run: ZeroShotRun, count: CountRun) -> None:
    """Draw the tab."""
    try:
        found = _found(run.key, count.key)
    except _NotYet:
        _ask(run, count)
        return
    _measures(found)
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        _classes(run, count, found)
    with right:
        _images(run, found)


def _ask(run: ZeroShotRun, count: CountRun) -> None:
    """The button, and what it would rename."""
    rows, classes = _renamed(run.key, count.key)
    if not rows:
        st.success(
            "Each class is already called by the name that most captions use.",
            icon=":material/check:",
        )
        return
    st.markdown(
        f"{amounts.count(len(rows))} of {amounts.count(run.classes)} classes have a name that more "
        "captions use than the given one. The run is made again with those names; nothing else "
        "changes (REAL-Prompt)."
    )
    st.button(
        "Use the most frequent names",
        key="gain.ask",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_submit,
        args=(run.key, count.key),
    )

    def mine(job: JobInfo) -> bool:
        asked = job.params.get("ask", job.params)
        return job.kind == _KIND and asked.get("classes") == classes

    countings.running(mine, key="gain.jobs")
    st.dataframe(rows, hide_index=True, height=420, column_config=_RENAMED)
    export.table(lambda: rows, name=f"{run.dataset}-most-frequent-names", key="gain.names")


_RENAMED: dict[str, Any] = {
    "captions": st.column_config.NumberColumn(
        "captions", help="With the given name and no other class (alone)."
    ),
    "its captions": st.column_config.NumberColumn(
        "its captions", help="With the most frequent name and no other class (alone)."
    ),
}


def _submit(run: str, count: str) -> None:
    api().submit_frequent_names(run, count)
    api().ensure_worker()


@st.cache_data(max_entries=20, show_spinner=False)
def _renamed(run: str, count: str) -> tuple[list[dict[str, Any]], str]:
    """The classes with another name, and the version of the new class set."""
    given = api().class_set(api().zero_shot_run(run).classes_key).names
    new = api().frequent_names(run, count)
    terms = api().count_terms(count)
    columns = (terms[name].to_pylist() for name in ("concept", "term", "alone"))
    alone = {(concept, term): n for concept, term, n in zip(*columns, strict=True)}
    rows = [
        {
            "class": before,
            "captions": alone.get((place, before), 0),
            "most frequent name": after,
            "its captions": alone.get((place, after), 0),
        }
        for place, (before, after) in enumerate(zip(given, new.names, strict=True))
        if before != after
    ]
    return sorted(rows, key=lambda row: -row["its captions"]), new.key


@st.cache_resource(max_entries=20, show_spinner="Comparing the two runs")
def _found(run: str, count: str) -> _Found:
    other = api().frequent_names_run(run, count)
    gain = api().frequent_names_gain(run, count)
    if other is None or gain is None:
        raise _NotYet
    held = api().compare(run, other)
    shown = [each for each in gain.per_class if not math.isnan(each.difference.value)]
    moved = [each for each in shown if each.renamed or each.difference.value]
    moved.sort(key=lambda each: (-each.difference.value, each.concept))
    return _Found(other, gain, tuple(moved), held.fixed, held.broken)


def _measures(found: _Found) -> None:
    gain = found.gain
    renamed = [each for each in gain.per_class if each.renamed]
    with st.container(horizontal=True, gap="large"):
        _points(
            "Gain over all images",
            gain.images,
            f"Top-1 accuracy with the most frequent names minus with the given ones, on the same "
            f"{amounts.noun(gain.images.n, 'image')}; interval by resampling images.",
        )
        _points(
            "Mean over classes",
            gain.classes,
            "The mean of the classes' own gains; images are drawn within each class.",
        )
        st.metric(
            "McNemar's p",
            f"{gain.p:.2g}",
            help="How likely such a lead is when both sets of names are equally good.",
            width="content",
        )
        st.metric(
            "Classes renamed",
            amounts.count(len(renamed)),
            help="Classes that captions call by another of their names more often.",
            width="content",
        )
        st.metric(
            "Classes that gain",
            amounts.count(len(gain.gaining)),
            f"{amounts.count(len(gain.losing))} lose",
            delta_color="off",
            delta_arrow="off",
            help="Of all classes with images; one that kept its name is moved by its neighbours'.",
            width="content",
        )
        st.metric(
            "Fixed",
            amounts.count(len(found.fixed)),
            help="Images that only the new names get right.",
            width="content",
        )
        st.metric(
            "Broken",
            amounts.count(len(found.broken)),
            help="Images that only the given names get right.",
            width="content",
        )


def _points(label: str, measure: Measure, words: str) -> None:
    st.metric(
        label,
        f"{measure.value:+.2f} points",
        f"95%: {measure.low:+.2f} to {measure.high:+.2f}",
        delta_color="off",
        delta_arrow="off",
        help=words,
        width="content",
    )


def _classes(run: ZeroShotRun, count: CountRun, found: _Found) -> None:
    """The classes that moved or were renamed; a click shows their images that changed."""
    figure = _figure(run.key, count.key, found)
    rows = [_row(each) for each in found.moved]
    shown = [{name: row[name] for name in row if name != "place"} for row in rows]

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        _choose(int(data[0]) if data else None)

    def selected() -> None:
        picked = st.session_state["gain.table"].selection.rows
        _choose(rows[picked[0]]["place"] if picked else None)

    chart(figure, key="gain.slopes", on_click=clicked)
    st.caption(
        f"The {amounts.count(len(rows))} classes that were renamed or moved; all others stay as "
        "they are. Click a line or a row."
    )
    points: dict[str, Any] = {
        name: st.column_config.NumberColumn(name, format="%+.1f", help=words)
        for name, words in (
            ("gain", "After minus before, in points."),
            ("low", "Lower end of the 95% interval, paired over the class's images."),
            ("high", "Upper end."),
        )
    }
    shares: dict[str, Any] = {
        name: st.column_config.NumberColumn(name, format="%.1f%%") for name in ("before", "after")
    }
    st.dataframe(
        shown,
        hide_index=True,
        height=320,
        key="gain.table",
        column_config={**shares, **points},
        selection_mode="single-row",
        on_select=selected,
    )
    name = f"{run.dataset}-{run.model}-most-frequent-names"
    with st.container(horizontal=True, gap="small"):
        figure_export(figure, chart="gain.slopes", name=name, rows=shown)
        export.table(lambda: shown, name=name, key="gain.export")


def _row(each: ClassGain) -> dict[str, Any]:
    return {
        "place": each.concept,
        "class": each.name,
        "called": each.term,
        "images": each.difference.n,
        "before": each.before,
        "after": each.after,
        "gain": each.difference.value,
        "low": each.difference.low,
        "high": each.difference.high,
        "p": each.p,
    }


@st.cache_resource(max_entries=20, show_spinner=False)
def _figure(run: str, count: str, _found: _Found) -> Figure:
    return figures.slopes(_found.moved)


def _choose(place: int | None) -> None:
    st.session_state.pop("page", None)
    url.write(**{"class": place, "page": None})


def _images(run: ZeroShotRun, found: _Found) -> None:
    """The images that only one set of names gets right."""
    sides = {"Fixed": found.fixed, "Broken": found.broken}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        side = st.segmented_control(
            "Images",
            list(sides),
            default="Fixed",
            required=True,
            key="side",
            bind="query-params",
            help="Fixed: right with the new names only. Broken: right with the given names only.",
        )
        nav.link(
            "compare", "Compare", icon=":material/compare_arrows:", run=run.key, other=found.other
        )
    rows: Sequence[int] = sides[side or "Fixed"]
    place = url.read_int("class", -1)
    if 0 <= place < len(found.gain.per_class):
        rows = _of_class(run, rows, place)
        one = found.gain.per_class[place]
        called = f"{one.name} → {one.term}" if one.renamed else one.name
        st.button(
            plain(called),
            icon=":material/close:",
            icon_position="right",
            on_click=_choose,
            args=(None,),
            key="gain.class",
            help="Show all classes",
        )
    changed.draw(run, api().zero_shot_run(found.other), rows, name=str(side).lower())


def _of_class(run: ZeroShotRun, rows: Sequence[int], place: int) -> tuple[int, ...]:
    mine = api().predictions(run.key, truth=place, limit=_MOST).table["row"].to_pylist()
    kept = set(mine)
    return tuple(row for row in rows if row in kept)
