"""Review: what kind of mistakes a run made, which labels are doubtful, what mistakes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared import amounts, export, job_panel, paging
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.views import predicted
from workbench.api import RunReview, ZeroShotRun
from workbench.measures.confident import LABEL_RULES
from workbench.measures.error_types import RULES
from workbench.types import JobInfo

__all__ = ["draw"]

_KIND = "review"
_SLICES = (
    "From each image the mean of its true class is taken out; the mistakes are grouped by what is "
    "left (spherical k-means), so a group holds images of many classes that differ alike from "
    "their like. Its words are the class names and group values whose text lies nearest to that "
    "common direction. p: hypergeometric, times the number of values that were looked at."
)
_VIEWS = ("Kinds of mistakes", "Doubtful labels", "What mistakes share")


def draw(run: ZeroShotRun) -> None:
    """Draw the tab."""
    _jobs(run)
    found = api().review(run.key)
    if found is None:
        _start(run)
        return
    _accuracy(run)
    chosen = st.segmented_control(
        "Look at",
        list(_VIEWS),
        default=_VIEWS[0],
        required=True,
        key="review",
        bind="query-params",
        label_visibility="collapsed",
    )
    if chosen == _VIEWS[1]:
        _labels(run, found)
    elif chosen == _VIEWS[2]:
        _slices(run, found)
    else:
        _kinds(run, found)


def _jobs(run: ZeroShotRun) -> None:
    def ask() -> list[JobInfo]:
        jobs = api().jobs(job_panel.ACTIVE, limit=1000)
        return [j for j in jobs if j.kind == _KIND and j.params.get("run") == run.key]

    if ask():
        job_panel.panel(ask, key="review.jobs")


def _start(run: ZeroShotRun) -> None:
    st.info(
        "A review looks for doubtful labels, proposes what kind of mistake each mistake is, and "
        "finds groups of mistakes that have something in common.",
        icon=":material/rate_review:",
    )
    st.button(
        "Review the mistakes",
        type="primary",
        icon=":material/play_arrow:",
        key="review.start",
        on_click=_submit,
        args=(run.key,),
    )


def _submit(key: str) -> None:
    api().submit_review(key)
    api().ensure_worker()


def _accuracy(run: ZeroShotRun) -> None:
    """Top-1 before and after what people said."""
    found = api().reviewed(run.key)
    words = f"Top-1 accuracy {found.before:.1%} of {amounts.noun(found.n_before, 'image')}"
    if found.reviewed:
        words += (
            f"; after {amounts.noun(found.reviewed, 'verdict')} **{found.after:.1%}** of "
            f"{amounts.noun(found.n_after, 'image')}"
        )
    st.markdown(
        f"{words}.",
        help="Images whose label a person found wrong leave the count, answers that a person found "
        "true count as right (after Vasudevan et al., 2022). Give verdicts in the tab Why.",
    )


def _kinds(run: ZeroShotRun, found: RunReview) -> None:
    """The proposals by category, with the rule that made them."""
    titles = {rule.title: rule for rule in RULES}
    fullest = max(RULES, key=lambda rule: found.categories.get(rule.category, 0))
    chosen = st.selectbox(
        "Proposed kind; the first rule that holds decides",
        list(titles),
        index=list(titles).index(fullest.title),
        key="kind",
        bind="query-params",
        width=320,
    )
    rule = titles.get(str(chosen), fullest)
    st.caption(f"{rule.sentence} Severity: {rule.severity}.")
    table = api().review_table(run.key, "proposals")
    pairs = zip(table["row"].to_pylist(), table["category"].to_pylist(), strict=True)
    rows = [row for row, category in pairs if category == rule.category]
    _images(run, rows, f"are proposed as {rule.title}")
    export.table(lambda: table, name=f"{run.dataset}-{run.head}-proposals", key="kinds.export")


def _labels(run: ZeroShotRun, found: RunReview) -> None:
    """Labels that the model's probabilities speak against, the worst first."""
    titles = {rule.title: rule for rule in LABEL_RULES}
    chosen = st.segmented_control(
        "Chosen by",
        list(titles),
        default=LABEL_RULES[0].title,
        required=True,
        key="rule",
        bind="query-params",
    )
    rule = titles.get(str(chosen), LABEL_RULES[0])
    st.caption(
        f"{found.issues[rule.key]:,} of {found.labelled:,} labels are doubted by confident "
        f"learning (Northcutt et al., 2021). {rule.sentence} Labels that are the model's answer "
        "are never taken. Judged by the run's calibrated probabilities: the better the model, the "
        "fewer of them are the model's own mistakes, so look from the top."
    )
    table = api().review_table(run.key, "issues")
    table = table.filter(table[rule.key])
    _images(run, table["row"].to_pylist(), "have a doubtful label")
    export.table(lambda: table, name=f"{run.dataset}-{run.head}-labels", key="labels.export")


def _slices(run: ZeroShotRun, found: RunReview) -> None:
    """Groups of mistakes by their embeddings, and wrong answers that gather on a group value."""
    if found.pairs:
        names = api().run_classes(run.key)["name"].to_pylist()
        with st.expander("Wrong answers that gather on one value", icon=":material/join_inner:"):
            st.dataframe(_pair_rows(found.pairs, names), hide_index=True, key="pairs")
    if not found.slices:
        st.success("There are no mistakes to group.")
        return
    place = st.selectbox(
        "Group of mistakes, the most surprising first",
        range(len(found.slices)),
        format_func=lambda n: _named(found.slices[n]),
        key="slice",
        bind="query-params",
    )
    place = int(place or 0)
    st.caption(_SLICES)
    chosen = found.slices[place]
    left, right = st.columns(2, gap="medium")
    with left:
        _excesses("What they have more often than all images", chosen["excesses"], key="excesses")
    with right:
        _excesses("Wrong answers they get more often", chosen["answers"], key="answers")
    table = api().review_table(run.key, "slices")
    pairs = zip(table["slice"].to_pylist(), table["row"].to_pylist(), strict=True)
    _images(run, [row for number, row in pairs if number == place], "are in this group")


def _excesses(title: str, excesses: Sequence[Mapping[str, Any]], *, key: str) -> None:
    """Values that a group has more often than all images, with the p-value."""
    st.markdown(f"**{title}**")
    if not excesses:
        st.caption("Nothing.")
        return
    rows = [
        {
            "column": excess["column"],
            "value": str(excess["value"]),
            "in the group": f"{excess['inside']:,} of {excess['part']:,}",
            "times as often": excess["lift"],
            "p, corrected": f"{excess['p_corrected']:.2g}",
        }
        for excess in excesses
    ]
    st.dataframe(rows, hide_index=True, key=key)


def _named(found: Mapping[str, Any]) -> str:
    words = ", ".join(word for word, _ in found["words"][:6])
    return short(f"{found['size']:,} mistakes near: {words}", 120)


def _pair_rows(pairs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "taken for": names[pair["predicted"]],
            "column": pair["column"],
            "value": str(pair["value"]),
            "there": f"{pair['inside']:,} of {pair['part']:,}",
            "times as often": pair["lift"],
            "p": f"{pair['p']:.2g}",
        }
        for pair in pairs
    ]


def _images(run: ZeroShotRun, rows: list[int], words: str) -> None:
    asked = predicted.Asked(run, {"rows": rows})
    predicted.draw(asked, plain(words), key="review", part=paging.Part(24, "small"), param="at")
