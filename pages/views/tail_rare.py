"""The rarest classes of a run: their images and failures, and their export as a test set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, nav, paging, url
from pages.shared.chart import chart, figure_export
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain
from pages.views import concept, countings, predicted, zero_shot_runs
from workbench.api import RareClasses, ZeroShotRun
from workbench.measures.interval import Measure
from workbench.plots.frequency import FrequencyRun, accuracy_by_frequency

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_ALL = 10_000_000
_CAPTIONS = 6
_HELP = {
    "captions": "Captions that name the class, by the frequency chosen above. 0 is a true zero: "
    "it was looked for and not found.",
    "images": "Images of the class that the run looked at.",
    "low": "Lower end of the accuracy's 95% interval (Wilson).",
    "high": "Upper end.",
}


def draw() -> None:
    """Draw the tab."""
    runs = api().zero_shot_runs()
    if not runs:
        zero_shot_runs.nothing_yet()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run = zero_shot_runs.pick(runs)
        sources = _sources(run)
        frequency = addressed("Frequency", sources, param="frequency") if sources else ""
        k = st.number_input(
            "Rarest",
            min_value=1,
            max_value=max(1, run.classes),
            value=min(20, run.classes),
            key="k",
            bind="query-params",
            width=120,
            help="How many classes are taken, the rarest first; equal counts go by name.",
        )
    if not frequency:
        _nothing_counted(run)
        return
    found, everything = _rare(run.key, frequency, int(k)), _rare(run.key, frequency, _ALL)
    _measures(found)
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        _picture(run, frequency, found, everything)
        _table(run, found)
    with right:
        _one(run, frequency, found, everything)
    _export(run, frequency, found)


def _sources(run: ZeroShotRun) -> dict[str, str]:
    """Where frequencies can be taken from: first countings of these classes in other captions."""
    counts = {f"count:{count.key}": count for count in api().counts()}

    def distance(key: str) -> tuple[bool, bool, bool]:
        count = counts.get(key)
        if count is None:
            return (True, True, True)
        other = count.classes_key != run.classes_key
        return (other, count.corpus == run.dataset, not count.synonyms)

    found = {each.key: each.title for each in api().frequency_sources()}
    return {key: found[key] for key in sorted(found, key=distance)}


@st.cache_resource(max_entries=30, show_spinner=False)
def _rare(run: str, frequency: str, k: int) -> RareClasses:
    return api().rare_classes(run, frequency, k)


def _nothing_counted(run: ZeroShotRun) -> None:
    st.info(
        "No captions are counted yet. The counts say which classes are rare.",
        icon=":material/format_list_numbered:",
    )
    corpora = [corpus.name for corpus in api().corpora()]
    if corpora:
        countings.make(run, corpora, key="rare.make")
    else:
        nav.link("corpus", "Add a corpus", icon=":material/article:")


def _measures(found: RareClasses) -> None:
    with st.container(horizontal=True, gap="large"):
        _metric("Accuracy of the rarest", found.rare, "the rarest classes that have images")
        _metric("Of all others", found.rest, "the other classes with a count and images")
        st.metric(
            "Without a count",
            amounts.count(found.absent),
            help="Classes of the run that nobody counted. They are not rare, they are unknown, "
            "and are left out.",
            width="content",
        )


def _metric(label: str, measure: Measure, words: str) -> None:
    st.metric(
        label,
        f"{measure.value:.1f}%" if measure.n else "n/a",
        f"95%: {measure.low:.1f} to {measure.high:.1f}%" if measure.n else None,
        delta_color="off",
        delta_arrow="off",
        help=f"Mean over {words}: {amounts.count(measure.n)}. Interval by resampling classes.",
        width="content",
    )


def _picture(run: ZeroShotRun, frequency: str, found: RareClasses, everything: RareClasses) -> None:
    """All classes by frequency, the rarest in a colour of their own."""
    figure = _figure(run.key, frequency, found.table.num_rows, everything)
    key = f"rare.chart.{found.table.num_rows}"

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        _choose(int(data[0]) if data else None)

    chart(figure, key=key, on_click=clicked)
    st.caption("Each point is a class. Click one for its images.")
    name = f"{run.dataset}-{run.model}-rarest"
    figure_export(figure, chart=key, name=name, rows=everything.table.to_pylist())


@st.cache_resource(max_entries=20, show_spinner=False)
def _figure(run: str, frequency: str, k: int, _everything: RareClasses) -> Figure:
    names = zero_shot_runs.class_names(run)
    nan = float("nan")
    accuracy = [nan] * len(names)
    rare, rest = [nan] * len(names), [nan] * len(names)
    columns = (_everything.table[name].to_pylist() for name in ("class", "captions", "accuracy"))
    for nth, (place, captions, value) in enumerate(zip(*columns, strict=True)):
        (rare if nth < k else rest)[place] = captions
        accuracy[place] = nan if value is None else value
    runs = [
        FrequencyRun("all others", rest, accuracy),
        FrequencyRun(f"the {amounts.count(k)} rarest", rare, accuracy),
    ]
    title = "captions with the class" if frequency.partition(":")[0] != "images" else "images"
    return accuracy_by_frequency(names, runs, title=title)


def _table(run: ZeroShotRun, found: RareClasses) -> None:
    table = found.table

    def selected() -> None:
        rows = st.session_state["rare.table"].selection.rows
        _choose(table["class"][rows[0]].as_py() if rows else None)

    points: dict[str, Any] = {
        name: st.column_config.NumberColumn(name, format="%.1f%%", help=_HELP.get(name))
        for name in ("accuracy", "low", "high")
    }
    st.dataframe(
        table.drop_columns(["class"]),
        hide_index=True,
        height=380 if table.num_rows > 9 else "content",
        key="rare.table",
        column_config={
            "name": st.column_config.TextColumn("class", pinned=True, width="medium"),
            "captions": st.column_config.NumberColumn(
                "captions", format="localized", help=_HELP["captions"]
            ),
            "images": st.column_config.NumberColumn("images", help=_HELP["images"]),
            **points,
        },
        selection_mode="single-row",
        on_select=selected,
    )
    name = f"{run.dataset}-{run.model}-rarest-{table.num_rows}"
    export.table(lambda: table, name=name, key="rare.export.table")


def _choose(place: int | None) -> None:
    st.session_state.pop("at", None)
    url.write(**{"class": place, "at": None})


def _one(run: ZeroShotRun, frequency: str, found: RareClasses, everything: RareClasses) -> None:
    """The chosen class; all the rarest together when none is."""
    place = url.read_int("class", -1)
    places = everything.table["class"].to_pylist()
    chosen = place if place in places else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if chosen is None:
            st.subheader("Their images", width="stretch")
        else:
            record = everything.table.slice(places.index(chosen), 1).to_pylist()[0]
            st.subheader(plain(record["name"]), width="stretch")
            nav.link(
                "errors",
                "In Errors",
                icon=":material/search:",
                run=run.key,
                **{"class": str(place)},
            )
            st.button(
                "Close", icon=":material/close:", on_click=_choose, args=(None,), key="rare.close"
            )
    if chosen is not None:
        st.markdown(
            f"**{amounts.noun(int(record['captions']), 'caption')}**; rank "
            f"{amounts.count(places.index(chosen) + 1)} from the rarest."
        )
    way = st.segmented_control(
        "Images",
        ["Failures", "All"],
        default="Failures",
        required=True,
        key="side",
        bind="query-params",
        label_visibility="collapsed",
    )
    here = [chosen] if chosen is not None else found.table["class"].to_pylist()
    _images(run, here, failures=way != "All")
    if chosen is not None:
        _captions(frequency, str(record["name"]))


def _images(run: ZeroShotRun, places: list[int], *, failures: bool) -> None:
    conditions: dict[str, Any] = {"correct": False} if failures else {}
    if len(places) == 1:
        conditions["truth"] = places[0]
    else:
        conditions["rows"] = _rows(run.key, tuple(places))
    words = "are of them and taken for others" if failures else "are of them"
    asked = predicted.Asked(run, conditions)
    predicted.draw(asked, words, key="rare.images", part=paging.Part(24, "small"), param="at")


@st.cache_data(max_entries=20, show_spinner=False)
def _rows(run: str, places: tuple[int, ...]) -> tuple[int, ...]:
    """Rows of the items of these classes."""
    found: list[int] = []
    for place in places:
        found += api().predictions(run, truth=place, limit=_ALL).table["row"].to_pylist()
    return tuple(found)


def _captions(frequency: str, name: str) -> None:
    """Captions that name the class, where they were counted here."""
    kind, _, key = frequency.partition(":")
    if kind != "count":
        return
    names = api().count_concepts(key)["name"].to_pylist()
    if name in names:
        concept.captions(api().count_run(key), names.index(name), limit=_CAPTIONS)


def _export(run: ZeroShotRun, frequency: str, found: RareClasses) -> None:
    """The class list, the images and a manifest in a folder of this machine."""
    k = found.table.num_rows
    images = sum(found.table["images"].to_pylist())
    st.subheader(
        "As a test set",
        help="As Let It Wag! (Udandarao et al., NeurIPS 2024): class list, images in one folder a "
        "class, a table of them with checksums, and how they were chosen. The folder can be "
        "imported again.",
    )
    st.caption(
        f"The {amounts.count(k)} rarest classes by {plain(found.label)}, with their "
        f"{amounts.noun(images, 'image')}: classes.txt, images/, images.csv, manifest.json."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        given = st.text_input(
            "Folder on this machine",
            key="rare.folder",
            placeholder=str(Path.home() / f"{run.dataset}-rarest-{k}"),
            help="New or empty; nothing is overwritten.",
        )
        clicked = st.button("Write the test set", icon=":material/folder:", key="rare.write")
    if clicked:
        folder = Path((given or "").strip() or Path.home() / f"{run.dataset}-rarest-{k}")
        with guarded(), st.spinner("Writing the images"):
            _write(run, frequency, folder.expanduser().absolute(), k)


def _write(run: ZeroShotRun, frequency: str, folder: Path, k: int) -> None:
    written = api().export_tail(run.key, frequency, folder, k=k)
    words = (
        f"{amounts.noun(written.images, 'image')} ({amounts.size(written.bytes)}) are in "
        f"{plain(written.folder)}."
    )
    if written.empty:
        words += f" Without an image: {plain(', '.join(written.empty))}."
    st.success(words, icon=":material/check:")
