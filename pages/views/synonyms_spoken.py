"""Accuracy by synonym: each class called by each of its names, beside the captions that use it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, nav, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.views import caption_lines, countings, predicted
from workbench.api import CountRun, SynonymReport, ZeroShotRun
from workbench.longtail.synonyms import Spoken
from workbench.plots import synonyms as figures

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_KIND = "evaluate-synonyms"
_HANDFUL = 6
_ORDER = (
    "class", "accuracy", "most frequent name", "its accuracy", "change", "captions",
    "its captions", "images", "names", "spread",
)  # fmt: skip
_CAPTIONS = 8
_AGREEMENT = (
    "Of all pairs of names of one class with different numbers of captions, how often the more "
    "frequent one is the more accurate one; ties count one half. The mean over classes; 50% says "
    "that frequency tells nothing. Interval by resampling classes."
)


class _NotYet(Exception):
    """The job was not run: nothing to cache."""


@dataclass(frozen=True)
class _Found:
    """What the tab shows.

    Args:
        report: as asked.
        by_class: the names of each class with images.
        rows: of the table, those first that the most frequent name changes most.
    """

    report: SynonymReport
    by_class: Mapping[int, tuple[Spoken, ...]]
    rows: tuple[dict[str, Any], ...]


def draw(run: ZeroShotRun, count: CountRun) -> None:
    """Draw the tab."""
    try:
        found = _found(run.key, count.key)
    except _NotYet:
        _ask(run)
        return
    _measures(found)
    place = url.read_int("class", -1)
    left, right = st.columns([1, 1.1], gap="large")
    with left:
        _table(run, count, found)
    with right:
        if place in found.by_class:
            _one(run, count, found, place)
        else:
            _handful(run, count, found)


def _ask(run: ZeroShotRun) -> None:
    st.markdown(
        "Each class is asked for by each of its names while the others keep theirs, so that "
        "accuracy can be held against how many captions use the name."
    )
    st.button(
        "Accuracy by synonym",
        key="spoken.ask",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_submit,
        args=(run.key,),
    )
    countings.running(
        lambda job: job.kind == _KIND and job.params.get("run") == run.key, key="spoken.jobs"
    )


def _submit(run: str) -> None:
    api().submit_synonyms(run)
    api().ensure_worker()


@st.cache_resource(max_entries=20, show_spinner=False)
def _found(run: str, count: str) -> _Found:
    report = api().synonyms(run, count)
    if report is None:
        raise _NotYet
    by_class: dict[int, list[Spoken]] = {}
    for row in report.rows:
        if not math.isnan(row.accuracy):
            by_class.setdefault(row.concept, []).append(row)
    several = {place: tuple(rows) for place, rows in by_class.items() if len(rows) > 1}
    images = api().run_classes(run)["n"].to_pylist()
    rows = [_row(report.concepts.names[c], c, images[c], said) for c, said in several.items()]
    rows.sort(key=lambda row: (-abs(row["change"]), -row["spread"], row["class"]))
    return _Found(report, several, tuple(rows))


def _row(name: str, place: int, images: int, said: Sequence[Spoken]) -> dict[str, Any]:
    given = next(row for row in said if row.given)
    often = next((row for row in said if row.most_frequent), given)
    values = [row.accuracy for row in said]
    return {
        "place": place,
        "class": name,
        "images": images,
        "names": len(said),
        "captions": given.captions,
        "accuracy": given.accuracy,
        "most frequent name": often.term,
        "its captions": often.captions,
        "its accuracy": often.accuracy,
        "change": often.accuracy - given.accuracy,
        "spread": max(values) - min(values),
    }


def _measures(found: _Found) -> None:
    agree = found.report.agreement
    other = [row for row in found.rows if row["most frequent name"] != row["class"]]
    better = [row for row in other if row["change"] > 0]
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Frequent name is the accurate one",
            f"{agree.value:.1%}" if agree.n else "n/a",
            f"95%: {100 * agree.low:.1f} to {100 * agree.high:.1f}%" if agree.n else None,
            delta_color="off",
            delta_arrow="off",
            help=f"{_AGREEMENT} Rests on {amounts.count(agree.n)} classes.",
            width="content",
        )
        st.metric(
            "Classes with several names",
            amounts.count(len(found.rows)),
            help="Classes with images here and at least two names.",
            width="content",
        )
        st.metric(
            "Another name is more frequent",
            amounts.count(len(other)),
            help="Classes whose given name is not the one that most captions use.",
            width="content",
        )
        st.metric(
            "… and more accurate",
            amounts.count(len(better)),
            help="Of those, classes that are found better when called by it.",
            width="content",
        )


def _table(run: ZeroShotRun, count: CountRun, found: _Found) -> None:
    shown = [{name: row[name] for name in row if name != "place"} for row in found.rows]

    def selected() -> None:
        rows = st.session_state["spoken.table"].selection.rows
        _choose(found.rows[rows[0]]["place"] if rows else None)

    st.dataframe(
        shown,
        hide_index=True,
        height=520,
        key="spoken.table",
        column_order=_ORDER,
        column_config=_columns(),
        selection_mode="single-row",
        on_select=selected,
    )
    st.caption(
        "First the classes that their most frequent name changes most, then those whose names "
        "differ most. Click a row for its names and images."
    )
    export.table(
        lambda: _terms(found.report),
        name=f"{run.dataset}-{run.model}-synonyms",
        key="spoken.export",
    )


def _columns() -> dict[str, Any]:
    def points(label: str, words: str, form: str = "%.1f%%") -> Any:
        return st.column_config.NumberColumn(label, format=form, help=words)

    return {
        "class": st.column_config.TextColumn("class", pinned=True),
        "captions": st.column_config.NumberColumn(
            "captions", help="Captions with the given name and no other class (alone)."
        ),
        "accuracy": points("accuracy", "Of the class, called by its given name."),
        "its captions": st.column_config.NumberColumn(
            "its captions", help="Captions with the most frequent name and no other class (alone)."
        ),
        "its accuracy": points("its accuracy", "Of the class, called by its most frequent name."),
        "change": points("change", "In points; the other classes keep their names.", "%+.1f"),
        "spread": points("spread", "Highest minus lowest accuracy of its names.", "%.1f"),
    }


def _terms(report: SynonymReport) -> list[dict[str, Any]]:
    """Every name of every class, for exports."""
    return [
        {
            "class": report.concepts.names[row.concept],
            "name": row.term,
            "captions": row.captions,
            "accuracy": None if math.isnan(row.accuracy) else row.accuracy,
            "given": row.given,
            "most_frequent": row.most_frequent,
        }
        for row in report.rows
    ]


def _choose(place: int | None, term: str | None = None) -> None:
    st.session_state.pop("at", None)
    url.write(**{"class": place, "term": term, "at": None})


def _clicked(point: Mapping[str, Any] | None) -> None:
    data = point.get("customdata") if point is not None else None
    if data:
        _choose(int(data[0]), str(data[1]))


def _handful(run: ZeroShotRun, count: CountRun, found: _Found) -> None:
    """The first classes of the table, until one is chosen."""
    if not found.rows:
        st.info("No class with images has more than one name.", icon=":material/info:")
        return
    places = tuple(row["place"] for row in found.rows[:_HANDFUL])
    st.subheader(f"The first {amounts.count(len(places))} classes")
    _picture(run, count, found, places)


def _picture(run: ZeroShotRun, count: CountRun, found: _Found, places: tuple[int, ...]) -> None:
    figure = _figure(run.key, count.key, places, found)
    key = f"spoken.chart.{'handful' if len(places) > 1 else places[0]}"
    chart(figure, key=key, on_click=_clicked)
    st.caption("A diamond is the given name. Click a name for its captions and the class's images.")
    rows = _terms_of(found, places)
    figure_export(figure, chart=key, name=f"{run.dataset}-{run.model}-spoken", rows=rows)


def _terms_of(found: _Found, places: Sequence[int]) -> list[dict[str, Any]]:
    names = found.report.concepts.names
    return [
        {"class": names[c], "name": row.term, "captions": row.captions, "accuracy": row.accuracy}
        for c in places
        for row in found.by_class[c]
    ]


@st.cache_resource(max_entries=50, show_spinner=False)
def _figure(run: str, count: str, places: tuple[int, ...], _found: _Found) -> Figure:
    rows = [row for place in places for row in _found.by_class[place]]
    return figures.spoken(_found.report.concepts.names, rows)


def _one(run: ZeroShotRun, count: CountRun, found: _Found, place: int) -> None:
    """The chosen class: its names, captions that say them, and its images."""
    name = found.report.concepts.names[place]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(name), width="stretch")
        nav.link(
            "errors", "In Errors", icon=":material/search:", run=run.key, **{"class": str(place)}
        )
        st.button(
            "Close", icon=":material/close:", on_click=_choose, args=(None,), key="spoken.close"
        )
    _picture(run, count, found, (place,))
    _captions(count, found, place)
    st.markdown("**Images of the class**")
    asked = predicted.Asked(run, {"truth": place})
    words = "are of the class; green edges are right under its given name"
    predicted.draw(asked, words, key="spoken.images", part=paging.Part(12, "small"), param="at")


def _captions(count: CountRun, found: _Found, place: int) -> None:
    """Captions kept by the counting that say one of the names."""
    terms = [row.term for row in found.by_class[place]]
    now = url.read("term")
    now = now if now in terms else terms[0]
    key = f"spoken.term.{place}.{terms.index(now)}"
    st.pills(
        "Captions that say",
        terms,
        default=now,
        required=True,
        format_func=lambda term: plain(short(term, 30)),
        key=key,
        on_change=lambda: url.write(term=st.session_state[key]),
    )
    kept = api().count_examples(count.key, place, 50)
    mine = [e for e in kept if any(_says(e.text[a:b], now) for a, b in e.spans)]
    if mine:
        caption_lines.draw(mine[:_CAPTIONS])
        st.caption(
            f"{amounts.count(min(len(mine), _CAPTIONS))} of {amounts.noun(len(kept), 'caption')} "
            f"that the counting kept of the class, captions with other classes included."
        )
    else:
        st.caption(f"None of the {amounts.noun(len(kept), 'caption')} kept of the class says it.")


def _says(words: str, term: str) -> bool:
    return words.casefold().split() == term.casefold().replace("_", " ").split()
