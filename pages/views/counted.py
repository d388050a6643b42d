"""One counting: its figures, its concepts in a table and by rank; a click opens a concept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, nav, pickers, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import concept, count_ask
from workbench.api import CountRun
from workbench.plots.rank_frequency import Ranked, rank_frequency

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_ZIPF = (
    "Solid: least squares on both logarithms; an exponent of 1 is Zipf's law. Dashed: maximum "
    "likelihood over the counts that the power law fits best (Clauset, Shalizi, Newman, 2009)."
)
_HELP = {
    "captions": "Captions that were read, the empty ones included.",
    "matched": "Captions that name at least one concept, by this rule.",
    "named": "Concepts that at least one caption names. The others were looked for and have a "
    "true count of 0.",
    "empty": "Captions without any text.",
    "unreadable": "Lines, rows and members of archives that could not be read; the count went on "
    "without them.",
}


def draw() -> None:
    """Draw the tab."""
    found = api().counts()
    if not found:
        _nothing_yet()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        names = {each.key: f"{each.label} · {each.classes_name}" for each in found}
        key = pickers.addressed("Counting", names, param="count")
        run = next(each for each in found if each.key == key)
        st.button(
            "New count", icon=":material/add:", key="counted.new", on_click=_to_count, args=(run,)
        )
        nav.link(
            "frequency",
            "Against accuracy",
            icon=":material/scatter_plot:",
            frequency=f"count:{run.key}",
        )
    _headline(run)
    table = _concepts(run.key)
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        _rank(run)
        _table(run, table)
    with right:
        concept.draw(run, table)


def _nothing_yet() -> None:
    st.info(
        "Nothing is counted yet: count the concepts of a class set in captions, and this page "
        "shows which are frequent and which are rare.",
        icon=":material/article:",
    )
    st.button(
        "Count concepts",
        type="primary",
        icon=":material/play_arrow:",
        key="counted.first",
        on_click=_to_count,
    )
    count_ask.jobs()


def _to_count(run: CountRun | None = None) -> None:
    """Open the form, on the corpus that is looked at."""
    st.session_state["tab"] = "Count"
    if run is not None:
        url.write(corpus=run.corpus)


def _headline(run: CountRun) -> None:
    """What the counting rests on."""
    named = _named(run.key)
    share = f" ({run.matched / run.captions:.1%})" if run.captions else ""
    with st.container(horizontal=True, gap="large"):
        for label, value, name in (
            ("Captions", amounts.count(run.captions), "captions"),
            ("Naming a concept", f"{amounts.count(run.matched)}{share}", "matched"),
            ("Concepts named", f"{amounts.count(named)} of {amounts.count(run.concepts)}", "named"),
            ("Empty", amounts.count(run.empty), "empty"),
            ("Unreadable", amounts.count(run.found), "unreadable"),
        ):
            st.metric(label, value, help=_HELP[name], width="content")
    names = "their synonyms count too" if run.synonyms else "names alone, without synonyms"
    st.caption(
        f"Rule: {plain(run.title)} ({plain(run.rule)}); {plain(run.classes_name)}, {names}. "
        f"Counted in {run.seconds:.1f} s."
    )
    if not run.current:
        st.warning(
            "The captions are gone or have changed since: these are the counts of before.",
            icon=":material/history:",
        )
    if run.found:
        _problems(run)


def _problems(run: CountRun) -> None:
    """What could not be read, each with its file and line."""
    title = f"{amounts.noun(run.found, 'problem')} while reading"
    with st.expander(title, icon=":material/warning:", key="counted.problems"):
        for problem in run.problems[:20]:
            st.text(problem)
        if run.found > 20:
            st.caption(
                f"Those are 20 of {amounts.count(run.found)}; the first "
                f"{amounts.count(len(run.problems))} are in the export."
            )
        export.table(
            lambda: [{"problem": each} for each in run.problems],
            name=f"{run.corpus}-problems",
            key="counted.problems.export",
        )


@st.cache_resource(max_entries=20, show_spinner=False)
def _concepts(key: str) -> pa.Table:
    """Concepts of a counting, the most frequent first; a counting never changes."""
    table = api().count_concepts(key)
    return table.sort_by([("captions", "descending"), ("concept", "ascending")])


@st.cache_data(max_entries=50, show_spinner=False)
def _named(key: str) -> int:
    """Concepts with a caption."""
    return sum(1 for n in _concepts(key)["captions"].to_pylist() if n)


def _rank(run: CountRun) -> None:
    """Frequency against rank; a click opens the concept."""
    figure, rows = _figure(run.key, run.corpus)

    def clicked(point: Mapping[str, Any] | None) -> None:
        known = point is not None and "customdata" in point
        concept.choose(int(point["customdata"][0]) if known and point else None)

    chart(figure, key="counted.rank", on_click=clicked)
    st.caption(_ZIPF)
    with st.container(horizontal=True, gap="small"):
        name = f"{run.corpus}-{run.rule}"
        figure_export(figure, chart="counted.rank", name=f"{name}-ranks", rows=rows)
        with export.popover("counted.export", "Concepts") as opened:
            if opened:
                export.table_buttons(
                    lambda: api().count_concepts(run.key), name=name, key="counted.export"
                )
        with export.popover("counted.terms", "Names") as opened:
            if opened:
                export.table_buttons(
                    lambda: api().count_terms(run.key), name=f"{name}-names", key="counted.terms"
                )


@st.cache_resource(max_entries=20, show_spinner=False)
def _figure(key: str, corpus: str) -> tuple[Figure, list[dict[str, Any]]]:
    """The plot and its numbers, the most frequent concept first."""
    table = api().count_concepts(key)
    one = Ranked(corpus, table["captions"].to_pylist(), api().corpus_zipf(f"count:{key}"))
    rows = [{"rank": rank, **row} for rank, row in enumerate(_concepts(key).to_pylist(), 1)]
    return rank_frequency(table["name"].to_pylist(), [one]), rows


def _table(run: CountRun, table: pa.Table) -> None:
    """The concepts that have what is searched for in one of their names."""
    find = st.text_input(
        "Find a concept",
        key="find",
        bind="query-params",
        placeholder="part of a name or synonym",
        icon=":material/search:",
        label_visibility="collapsed",
    )
    shown = _found(run.key, (find or "").strip().lower(), table)
    key = f"counted.table.{run.key}.{find}"

    def selected() -> None:
        rows = st.session_state[key].selection.rows
        concept.choose(shown["concept"][rows[0]].as_py() if rows else None)

    st.dataframe(
        shown.drop_columns(["concept"]),
        hide_index=True,
        height=380 if shown.num_rows > 9 else "content",
        key=key,
        column_config=_columns(int(table["captions"][0].as_py()) if table.num_rows else 0),
        selection_mode="single-row",
        on_select=selected,
    )
    words = f"{amounts.count(shown.num_rows)} of {amounts.noun(table.num_rows, 'concept')}"
    st.caption(f"{words}. Click a row or a point to open the concept.")


def _found(key: str, find: str, table: pa.Table) -> pa.Table:
    """Rows whose concept has the text in its name or a synonym."""
    if not find:
        return table
    import pyarrow.compute as pc

    terms = api().count_terms(key)
    hits = terms.filter(pc.match_substring(terms["term"], find, ignore_case=True))["concept"]
    return table.filter(pc.is_in(table["concept"], hits.combine_chunks().cast("int32")))


def _columns(most: int) -> dict[str, Any]:
    return {
        "name": st.column_config.TextColumn("concept", pinned=True, width="medium"),
        "captions": st.column_config.ProgressColumn(
            "captions",
            format="localized",
            min_value=0,
            max_value=max(1, most),
            help="Captions that name the concept, each counted once.",
        ),
        "most_frequent": st.column_config.TextColumn(
            "most frequent name", help="The name that most captions use; the first when equal."
        ),
    }
