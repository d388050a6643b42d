"""Asking for a counting: captions, rule, concepts, the button, and the countings there are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import streamlit as st

from pages.shared import amounts, export, job_panel, url
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import class_sets, corpus_choice
from workbench.api import CorpusInfo, CountRun
from workbench.longtail.rules import RULES, Options, Rule
from workbench.params import describe
from workbench.prompts.classes import ClassSet
from workbench.types import JobInfo

__all__ = ["draw", "jobs"]

_KIND = "count-concepts"
_SHOWN_SECONDS = 600
_OPTIONS = {"lower": "Ignore capital letters", "skip_unknown": "Skip unknown words"}


def draw() -> None:
    """Draw the tab."""
    first, second, third = st.columns(3, gap="medium", border=True)
    with first, guarded():
        info = corpus_choice.choose()
    with second, guarded():
        rule, options = _rule()
    with third, guarded():
        if info is not None:
            _concepts(info, rule, options)
    jobs()
    _table(api().counts())


def _rule() -> tuple[Rule, dict[str, bool]]:
    """When a caption counts for a concept: all rules with what they do, and their options."""
    by_key = {rule.key: rule for rule in RULES}
    key = st.radio(
        "A caption counts when",
        list(by_key),
        index=list(by_key).index("words"),
        format_func=lambda each: by_key[each].title,
        captions=[plain(rule.does) for rule in RULES],
        key="rule",
        bind="query-params",
        help="The rule changes the counts, so every counting says which it was made by.",
    )
    rule = by_key[str(key)]
    st.caption(f":material/menu_book: {plain(rule.source)}")
    options = {}
    for about in describe(Options):
        if _concerns(about.name, rule):
            options[about.name] = st.toggle(
                _OPTIONS[about.name],
                value=bool(about.default),
                key=about.name,
                bind="query-params",
                help=about.help,
            )
    return rule, options


def _concerns(option: str, rule: Rule) -> bool:
    """Whether the option changes what the rule counts."""
    return rule.tokens == "spaced" if option == "lower" else not rule.ordered


def _concepts(info: CorpusInfo, rule: Rule, options: dict[str, bool]) -> None:
    own, title = _own(info)
    classes = class_sets.offer(own, title)
    synonyms = st.toggle(
        "Count synonyms too",
        value=True,
        key="synonyms",
        bind="query-params",
        help="A caption counts for a concept when it has any of its names. The captions of each "
        "name are counted apart, too.",
    )
    with_any = sum(1 for each in classes.synonyms if each)
    if synonyms and not with_any:
        st.caption("None of these classes has a synonym yet. Edit them to add some.")
    elif synonyms:
        words = sum(map(len, classes.synonyms))
        st.caption(
            f"{amounts.noun(words, 'synonym')}; {amounts.noun(with_any, 'concept')} with any."
        )
    st.button(
        f"Count in {plain(info.name)}",
        key="count",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=_submit,
        args=(info, classes, bool(synonyms), rule, options),
    )


def _own(info: CorpusInfo) -> tuple[ClassSet, str]:
    """The concepts that are offered first: a dataset's own classes, else the sample's."""
    if info.kind == "dataset" and any(
        c.name == "label" and c.distinct for c in api().columns(info.name)
    ):
        return api().default_classes(info.name), f"those of {info.name} (label)"
    sample = api().class_set("sample")
    return sample, f"the sample's ({amounts.count(len(sample))})"


def _submit(
    info: CorpusInfo, classes: ClassSet, synonyms: bool, rule: Rule, options: dict[str, bool]
) -> None:
    with guarded():
        api().submit_count(
            info.name, classes=classes, synonyms=synonyms, rule=rule.key, options=options
        )
        api().ensure_worker()


def jobs() -> None:
    """Draw the countings on their way, and those that failed lately."""

    def ask() -> list[JobInfo]:
        found = api().jobs((*job_panel.ACTIVE, "failed", "refused"), limit=100)
        since = time.time() - _SHOWN_SECONDS
        return [
            job
            for job in found
            if job.kind == _KIND and (job.finished is None or job.finished > since)
        ]

    if ask():
        job_panel.panel(ask, key="count.jobs")


def _table(runs: Sequence[CountRun]) -> None:
    """Every counting that was made; a click opens it."""
    if not runs:
        st.caption("Nothing was counted yet.")
        return
    st.subheader("Countings")
    rows = [_row(run) for run in runs]

    def selected() -> None:
        places = st.session_state["count.table"].selection.rows
        if places:
            url.write(count=runs[places[0]].key, concept=None)
            st.session_state["tab"] = "Concepts"

    st.dataframe(
        rows,
        hide_index=True,
        key="count.table",
        column_config={
            "with a concept": st.column_config.NumberColumn(
                format="percent", help="Share of the captions that name at least one concept."
            ),
            "captions": st.column_config.NumberColumn(format="localized"),
            "concepts": st.column_config.NumberColumn(format="localized"),
            "unreadable": st.column_config.NumberColumn(
                help="Lines, rows and members of archives that could not be read."
            ),
            "current": st.column_config.CheckboxColumn(
                help="Whether the captions are still those that were counted."
            ),
        },
        selection_mode="single-row",
        on_select=selected,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Click a row to open it.", width="stretch")
        export.table(lambda: [asdict(run) for run in runs], name="countings", key="count.export")


def _row(run: CountRun) -> dict[str, Any]:
    return {
        "corpus": run.corpus,
        "rule": run.rule,
        "class set": run.classes_name,
        "synonyms": run.synonyms,
        "concepts": run.concepts,
        "captions": run.captions,
        "with a concept": run.matched / run.captions if run.captions else None,
        "unreadable": run.found,
        "current": run.current,
        "counted": amounts.ago(time.time() - run.created),
    }
