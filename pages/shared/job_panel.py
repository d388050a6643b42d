"""Jobs with their bars, rates, time left and buttons; looks again every second while any runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from pages.shared import amounts
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.shared.redraw import redraw_unless_in_the_way
from workbench.types import JobInfo, JobState

__all__ = ["ACTIVE", "of_kind", "panel"]

ACTIVE: tuple[JobState, ...] = ("queued", "running")

Colour = Literal["blue", "green", "red", "orange", "gray"]
_LOOKS: dict[JobState, tuple[str, Colour]] = {
    "queued": (":material/schedule:", "gray"),
    "running": (":material/play_arrow:", "blue"),
    "done": (":material/check:", "green"),
    "failed": (":material/error:", "red"),
    "cancelled": (":material/block:", "gray"),
    "refused": (":material/do_not_disturb_on:", "orange"),
}


def panel(
    ask: Callable[[], Sequence[JobInfo]], *, key: str, log: bool = False, brief: bool = False
) -> None:
    """Draw the jobs that ``ask`` returns, and keep them up to date while one is on its way.

    Args:
        ask: which jobs; asked again each time.
        key: unique on the page.
        log: offer each job's log.
        brief: name waiting jobs in one line instead of a card each.
    """
    active = any(job.state in ACTIVE for job in ask())
    st.fragment(_draw, run_every=1 if active else None, key=key)(ask, key, log, brief, active)


def of_kind(kind: str, *, key: str) -> None:
    """Draw the jobs of one kind that are on their way; the last one that failed where none is."""

    def ask() -> list[JobInfo]:
        found = api().jobs((*ACTIVE, "failed"), limit=200)
        newest = [job for job in found if job.kind == kind]
        return [job for job in newest if job.state != "failed"] or newest[:1]

    if ask():
        panel(ask, key=key)


def _draw(
    ask: Callable[[], Sequence[JobInfo]], key: str, log: bool, brief: bool, active: bool
) -> None:
    with guarded():
        jobs = ask()
        if active and not any(job.state in ACTIVE for job in jobs):
            redraw_unless_in_the_way()  # the page shows what the last of them has made
        waiting = [job for job in jobs if brief and job.state == "queued"]
        for job in jobs:
            if job not in waiting:
                with st.container(border=True, gap="small", key=f"{key}.{job.id}"):
                    _head(job, key, log)
                    _progress(job)
        if waiting:
            names = "; ".join(plain(job.title) for job in waiting[:4])
            more = f" and {amounts.count(len(waiting) - 4)} more" if len(waiting) > 4 else ""
            st.caption(f":material/schedule: Then: {names}{more}.")


def _head(job: JobInfo, key: str, log: bool) -> None:
    icon, colour = _LOOKS[job.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(_state(job), icon=icon, color=colour)
        st.markdown(f"**{plain(job.title)}**", width="content")
        st.caption(plain(_took(job)), width="stretch")
        if job.state in ACTIVE:
            st.button(
                "Cancel",
                key=f"{key}.cancel.{job.id}",
                icon=":material/close:",
                disabled=job.cancel_requested,
                on_click=api().cancel,
                args=(job.id,),
            )
        if job.state in ("failed", "cancelled"):
            st.button(
                "Retry",
                key=f"{key}.retry.{job.id}",
                icon=":material/replay:",
                help="Goes on after the last part that was finished.",
                on_click=_retry,
                args=(job.id,),
            )
        if log:
            _log(job, key)


def _retry(number: int) -> None:
    api().retry(number)
    api().ensure_worker()


def _state(job: JobInfo) -> str:
    return "stopping" if job.cancel_requested and job.state == "running" else job.state


def _progress(job: JobInfo) -> None:
    words = amounts.progress_words(job)
    if job.state == "running" or (job.state == "cancelled" and job.done):
        share = min(1.0, job.done / job.total) if job.total else 0.0
        st.progress(share, text=plain(words or "starting"))
    said = " · ".join(part for part in (job.device, job.message) if part)
    if said and job.state not in ("queued", "done"):
        st.caption(plain(said))
    if job.error and job.state in ("failed", "refused"):
        st.error(plain(job.error), icon=":material/error:")


def _took(job: JobInfo) -> str:
    """What a finished job did, how long it took, and when it ended."""
    if job.finished is None:
        return ""
    parts = [f"{amounts.count(job.done)} {job.unit}"] if job.done else []
    if job.started is not None:
        parts.append(f"in {amounts.duration(job.finished - job.started)}")
    return " ".join(parts) + f" · {amounts.ago(time.time() - job.finished)}"


def _log(job: JobInfo, key: str) -> None:
    with st.popover(
        "Log", icon=":material/article:", key=f"{key}.log.{job.id}", on_change="rerun"
    ) as pop:
        if pop.open:
            st.code(api().job_log(job.id) or "Nothing logged yet.", language=None, height=320)
