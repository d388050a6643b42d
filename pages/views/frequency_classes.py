"""What lies behind a point, a bin or a bar: its classes, and of a class its images and captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shared import amounts, export, nav, paging, url
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.views import caption_lines, frequency_reports, predicted
from pages.views.frequency_reports import Shown
from workbench.api import ZeroShotRun

__all__ = ["beside", "choose", "looked_at", "open_class"]

_ALL = "All classes"
_SORTS = ("furthest from the line", "rarest", "most frequent", "lowest accuracy")
_EXAMPLES = 12
_COLUMNS = ("class", "frequency", "accuracy", "expected", "difference", "images")


def open_class(nth: int | None, index: int | None) -> None:
    """Open a class of the nth source of accuracies; None closes."""
    st.session_state.pop("at", None)
    shown = index if index is not None and index >= 0 else None
    url.write(**{"class": shown, "of": nth or None, "at": None})


def beside(ones: Sequence[Shown], indices: Sequence[int] | None, words: str, *, key: str) -> None:
    """Draw the class that is open, else the classes that were asked for.

    Args:
        ones: the sources of accuracies; the address says which is looked at.
        indices: places of classes; all of them where None.
        words: heading of these classes.
        key: unique on the page.
    """
    one = looked_at(ones)
    index = url.read_int("class", -1)
    if 0 <= index < len(one.report.accuracies.names):
        _one(one, index)
        return
    _table(ones, indices, words, key)


def looked_at(ones: Sequence[Shown]) -> Shown:
    """The source of accuracies that the address names; the first when it names none."""
    return ones[_nth(ones)]


def choose(ones: Sequence[Shown]) -> None:
    """Draw the choice of the source that is looked at, where there are several."""
    if len(ones) < 2:
        return
    now = _nth(ones)
    key = f"frequency.of.{now}"

    def changed() -> None:
        new = int(st.session_state[key])
        names = [ones[each].report.accuracies.names for each in (now, new)]
        # the class that is open stays open where it is the same in the other one
        open_class(new, url.read_int("class", -1) if names[0] == names[1] else None)

    st.selectbox(
        "Look at",
        list(range(len(ones))),
        index=now,
        format_func=lambda nth: short(ones[nth].title, 60),
        key=key,
        on_change=changed,
        width=360,
    )


def _nth(ones: Sequence[Shown]) -> int:
    nth = url.read_int("of", 0)
    return nth if 0 <= nth < len(ones) else 0


def _table(ones: Sequence[Shown], indices: Sequence[int] | None, words: str, key: str) -> None:
    one = looked_at(ones)
    rows = frequency_reports.class_rows(one)
    kept = rows if indices is None else [rows[index] for index in indices]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.subheader(words or _ALL, width="stretch")
        sort = st.selectbox("Sort", _SORTS, key=f"{key}.sort", width=190)
    kept = _sorted(kept, sort or _SORTS[0])

    def selected() -> None:
        places = st.session_state[f"{key}.table"].selection.rows
        if places:
            open_class(_nth(ones), kept[places[0]]["index"])

    st.dataframe(
        kept,
        hide_index=True,
        height=430,
        key=f"{key}.table",
        column_order=[
            name
            for name in _COLUMNS
            if name != "images" or one.report.accuracies.images is not None
        ],
        column_config=_columns(one),
        selection_mode="single-row",
        on_select=selected,
    )
    words = f"{amounts.count(len(kept))} classes. Click a row for its images and captions."
    if any(row["frequency"] is None for row in kept):
        words += " None: nobody counted the class; that is not a zero."
    st.caption(words)
    export.table(lambda: _exported(kept), name="frequency-and-accuracy", key=f"{key}.export")


def _exported(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in _COLUMNS} for row in rows]


def _sorted(rows: Sequence[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Rows without the value that decides come last."""

    def by(column: str, sign: int = 1, *, size: bool = False) -> list[dict[str, Any]]:
        def place(row: dict[str, Any]) -> tuple[bool, float]:
            value = row[column]
            return value is None, sign * (abs(value) if size else value) if value is not None else 0

        return sorted(rows, key=place)

    if sort == _SORTS[1]:
        return by("frequency")
    if sort == _SORTS[2]:
        return by("frequency", -1)
    if sort == _SORTS[3]:
        return by("accuracy")
    return by("difference", -1, size=True)


def _columns(one: Shown) -> dict[str, Any]:
    def points(label: str, text: str | None = None, form: str = "%.1f%%") -> Any:
        return st.column_config.NumberColumn(label, format=form, help=text)

    return {
        "class": st.column_config.TextColumn("class", pinned=True),
        "frequency": st.column_config.NumberColumn(
            one.unit, format="localized", help=f"By {plain(one.report.frequency.label)}."
        ),
        "accuracy": points("accuracy"),
        "expected": points("line", "Accuracy that the line over classes gives at this frequency."),
        "difference": points("apart", "Accuracy minus the line, in points.", "%+.1f"),
        "images": st.column_config.NumberColumn("images", help="That the accuracy rests on."),
    }


def _one(one: Shown, index: int) -> None:
    """A class: its figures, its images and its captions."""
    row = frequency_reports.class_rows(one)[index]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(row["class"]), width="stretch")
        st.button(
            "Classes",
            icon=":material/arrow_back:",
            on_click=open_class,
            args=(url.read_int("of", 0), None),
            key="frequency.close",
        )
    st.markdown(_said(one, row))
    ways = [*(["Missed", "Right"] if one.run else []), *_frequency_ways(one)]
    if not one.run:
        st.caption("The accuracy was published; its images are not in this workspace.")
    if not ways:
        return
    way = st.segmented_control(
        "Show",
        ways,
        default=ways[0],
        required=True,
        key="side",
        bind="query-params",
        label_visibility="collapsed",
    )
    if way == "Captions":
        _captions(one, index)
    elif way == "Tagged":
        _tagged(one, index)
    else:
        _images(one, index, right=way == "Right")


def _said(one: Shown, row: dict[str, Any]) -> str:
    count, value = row["frequency"], row["accuracy"]
    words = (
        f"**{count:,.0f}** {one.unit}" if count is not None else "Nobody counted this class"
    ) + (f"; accuracy **{value:.1f}%**" if value is not None else "; no accuracy")
    if row["images"] is not None:
        words += f" of {amounts.noun(row['images'], 'image')}"
    if row["difference"] is not None:
        side = "above" if row["difference"] >= 0 else "below"
        words += f", {abs(row['difference']):.1f} points {side} the line ({row['expected']:.1f}%)"
    counted = one.report.match.place[row["index"]]
    if counted >= 0 and (named := dict(one.report.match.renamed).get(row["class"])):
        words += f". Counted as {plain(named)}"
    return f"{words}."


def _frequency_ways(one: Shown) -> list[str]:
    kind = one.frequency.partition(":")[0]
    return {"count": ["Captions"], "images": ["Tagged"]}.get(kind, [])


def _images(one: Shown, index: int, *, right: bool) -> None:
    run = api().zero_shot_run(one.run)
    asked = predicted.Asked(run, {"truth": index, "correct": right})
    words = "are of the class and " + ("right" if right else "taken for another")
    predicted.draw(asked, words, key="frequency", part=paging.Part(12, "small"), param="at")
    nav.link(
        "errors", "Errors", icon=":material/error_med:", run=run.key, tab="Classes",
        **{"class": str(index)},
    )  # fmt: skip


def _tagged(one: Shown, index: int) -> None:
    """Images of the run that made the tags whose best class this is."""
    place = int(one.report.match.place[index])
    if place < 0:
        st.caption("The run that tags does not have this class.")
        return
    _, key, threshold = one.frequency.split(":")
    run: ZeroShotRun = api().zero_shot_run(key)
    asked = predicted.Asked(
        run, {"predicted": place, "confidence": (float(threshold), 1.0)}, ("confidence", "desc")
    )
    words = f"have it as their best class at a probability of {threshold} or more"
    predicted.draw(asked, words, key="tagged", part=paging.Part(12, "small"), param="at")


def _captions(one: Shown, index: int) -> None:
    """Captions that name the class, with the words that do."""
    place = int(one.report.match.place[index])
    key = one.frequency.partition(":")[2]
    found = api().count_examples(key, place, _EXAMPLES) if place >= 0 else ()
    if not found:
        st.caption("No caption of this corpus names the class.")
        return
    caption_lines.draw(found)
    st.caption("The first captions of the corpus that name it, by the rule of the counting.")
    nav.link("corpus", "In the corpus", icon=":material/article:", count=key, concept=str(place))
