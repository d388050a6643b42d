"""Synonyms: how well a class does under each of its names, and what the most frequent ones gain."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import countings, synonyms_gain, synonyms_spoken, zero_shot_runs
from workbench.api import CountRun, ZeroShotRun

__all__ = ["draw"]

_TABS = {
    "Accuracy by synonym": synonyms_spoken.draw,
    "Most frequent names": synonyms_gain.draw,
}


def draw() -> None:
    """Draw the page."""
    st.title("Synonyms")
    runs = api().zero_shot_runs()
    if not runs:
        zero_shot_runs.nothing_yet()
        return
    counted = {count.classes_key for count in api().counts() if count.synonyms}
    usable = [run for run in runs if _usable(run)]
    usable.sort(key=lambda run: run.classes_key not in counted)
    if not usable:
        _none_usable(len(runs))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run = zero_shot_runs.pick(usable)
        fitting = [c for c in api().counts() if c.synonyms and c.classes_key == run.classes_key]
        fitting.sort(key=lambda c: c.corpus == run.dataset)  # what a model learnt from comes first
        count = countings.pick(fitting) if fitting else None
    if count is None:
        _nothing_counted(run)
        return
    _facts(run, count)
    _note(len(runs) - len(usable))
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params")
    for tab, view in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view(run, count)


def _usable(run: ZeroShotRun) -> bool:
    """Only the mean of templates can say what one other name does to one class."""
    return run.head == "mean" and _templates(run.prompts_key) and _several(run.classes_key) > 0


# Both keys are versions by content, so what they stand for never changes.
@st.cache_data(max_entries=200, show_spinner=False)
def _templates(prompts_key: str) -> bool:
    return api().prompt_set(prompts_key).kind == "templates"


@st.cache_data(max_entries=200, show_spinner=False)
def _several(classes_key: str) -> int:
    """Classes of a set that have synonyms."""
    return sum(1 for words in api().class_set(classes_key).synonyms if words)


def _none_usable(runs: int) -> None:
    st.info(
        f"None of the {amounts.noun(runs, 'run')} can be asked by synonym: it takes the mean of "
        "prompts, templates with the class name in them, and classes with synonyms.",
        icon=":material/info:",
    )
    nav.link("zero_shot", "Evaluate", icon=":material/target:")


def _nothing_counted(run: ZeroShotRun) -> None:
    st.info(
        f"{plain(run.classes_name)} is not counted with its synonyms in any corpus yet. The counts "
        "say which of its names captions use.",
        icon=":material/format_list_numbered:",
    )
    corpora: Sequence[str] = [corpus.name for corpus in api().corpora()]
    if corpora:
        countings.make(run, corpora, key="synonyms.make")
    else:
        nav.link("corpus", "Add a corpus", icon=":material/format_list_numbered:")


def _facts(run: ZeroShotRun, count: CountRun) -> None:
    several = _several(run.classes_key)
    st.caption(
        f"{amounts.count(run.classes)} classes, "
        f"{amounts.count(several)} of them with synonyms · {countings.facts(count)} · "
        "a proposal of Parashar et al. (REAL, CVPR 2024)"
    )


def _note(left_out: int) -> None:
    words = f"**What is counted.** {countings.NAMED}"
    if left_out:
        words += (
            f"\n\n{amounts.noun(left_out, 'run')} of other heads, of other prompts than templates, "
            "or without synonyms cannot be asked and are left out above."
        )
    with st.expander("What a caption must say to count", icon=":material/help:"):
        st.markdown(words)
