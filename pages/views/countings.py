"""Countings as read: choosing one of those that fit, and making one where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shared import amounts, job_panel, nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain
from workbench.api import CountRun, ZeroShotRun
from workbench.types import JobInfo

__all__ = ["NAMED", "facts", "make", "pick", "running"]

_KIND = "count-concepts"
_RECENT = 200
"""Jobs that are looked through."""

NAMED = (
    "A caption can name several classes, and a word beside another class often means something "
    "else (a mouse beside a keyboard). REAL asks a language model which captions mean the class. "
    "Here only captions that name no other class count: column “alone”. A name that holds the name "
    "of another class (mobile phone, where phone is a class too) is therefore never alone."
)
"""The note on captions that name one class only."""


def pick(counts: Sequence[CountRun], *, param: str = "count") -> CountRun:
    """Choose one of the countings (there must be one); its key is in the address."""
    by_key = {count.key: count for count in counts}
    names = {key: f"{c.label} · {c.classes_name}" for key, c in by_key.items()}
    return by_key[addressed("Counting", names, param=param)]


def facts(count: CountRun) -> str:
    """What a counting rests on, in a sentence; Markdown."""
    read = amounts.noun(count.captions, "caption")
    words = f"{read} of {plain(count.corpus)}, {plain(count.title).lower()}"
    return words if count.current else f"{words}, as the corpus was when it was counted"


def make(run: ZeroShotRun, corpora: Sequence[str], *, key: str) -> None:
    """A button that counts a run's classes, with their synonyms, in one of these corpora.

    Args:
        run: whose classes.
        corpora: names, at least one.
        key: unique on the page.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        corpus = st.selectbox("Corpus", list(corpora), key=f"{key}.corpus", width=220)
        st.button(
            "Count its classes",
            key=f"{key}.count",
            type="primary",
            icon=":material/play_arrow:",
            help="By whole words, with synonyms. Other rules are on the page Corpus.",
            on_click=_submit,
            args=(run, str(corpus or corpora[0])),
        )
        nav.link("corpus", "Corpus", icon=":material/format_list_numbered:")
    running(lambda job: job.kind == _KIND, key=f"{key}.jobs")


def _submit(run: ZeroShotRun, corpus: str) -> None:
    with guarded():
        api().submit_count(corpus, classes=api().class_set(run.classes_key))
        api().ensure_worker()


def running(mine: Callable[[JobInfo], bool], *, key: str) -> bool:
    """Draw the jobs that are ``mine``: those on their way, and the last when it did not succeed.

    Returns:
        whether one is on its way.
    """

    def ask() -> list[JobInfo]:
        found = [job for job in api().jobs(limit=_RECENT) if mine(job)]
        last = max(found, key=lambda job: job.id, default=None)
        return [j for j in found if j.state in job_panel.ACTIVE or (j is last and _bad(j))]

    jobs = ask()
    if jobs:
        job_panel.panel(ask, key=key)
    return any(job.state in job_panel.ACTIVE for job in jobs)


def _bad(job: JobInfo) -> bool:
    return job.state in ("failed", "refused", "cancelled")
