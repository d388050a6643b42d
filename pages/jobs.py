"""Jobs: what the worker does, what waits, what became of it; and the health of the workspace."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, job_panel, paging, worker
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import health
from workbench.api import FINAL
from workbench.types import JobInfo, JobState, WorkerInfo

__all__ = ["draw"]

_PER_PAGE = 20


def draw() -> None:
    """Draw the page."""
    st.title("Jobs")
    left, right = st.columns([1.9, 1], gap="large")
    with left:
        _queue()
        _finished()
    with right:
        with guarded():
            _workers()
        with guarded():
            health.draw()


def _queue() -> None:
    st.subheader("Running and waiting")
    if _active():
        job_panel.panel(_active, key="queue", log=True)
    else:
        st.caption("Nothing is running or waiting.")


def _active() -> Sequence[JobInfo]:
    """In the order in which they run."""
    jobs = api().jobs(job_panel.ACTIVE, limit=1000)
    return sorted(jobs, key=lambda job: (job.state != "running", -job.priority, job.id))


def _finished() -> None:
    st.subheader("Finished")
    states = st.pills(
        "State",
        list(FINAL),
        selection_mode="multi",
        key="state",
        bind="query-params",
        label_visibility="collapsed",
    )
    chosen: tuple[JobState, ...] = tuple(states) or FINAL
    jobs = api().jobs(chosen, limit=1000)
    if not jobs:
        st.caption("None yet.")
        return
    holder = st.container()
    offset = paging.pager(len(jobs), paging.Part(_PER_PAGE, "small"))
    shown = jobs[offset : offset + _PER_PAGE]
    with holder:
        job_panel.panel(lambda: shown, key="finished", log=True)


def _workers() -> None:
    st.subheader("Worker")
    found = api().workers()
    if not found:
        st.caption("None is alive. One starts by itself when a text or a job needs it.")
        st.button("Start one", icon=":material/play_arrow:", on_click=api().ensure_worker)
    for one in found:
        with st.container(border=True, gap="small"):
            _worker(one)


def _worker(one: WorkerInfo) -> None:
    rows = {
        "device": one.device,
        "precision": one.precision,
        "memory": f"{amounts.size(one.memory_used)} of {amounts.size(one.memory_total)}",
        "models in memory": ", ".join(one.models) or "none yet",
        "process": f"{one.pid} on {one.host}",
        "address": one.address,
    }
    st.dataframe(
        [{"property": name, "value": value} for name, value in rows.items() if value],
        hide_index=True,
        key=f"worker.{one.id}",
    )
    worker.gpu_warning(one)
    st.button(
        "Stop",
        key=f"worker.stop.{one.id}",
        icon=":material/stop:",
        help=plain("A running job returns to the queue and goes on when a worker is back."),
        on_click=api().stop_worker,
    )
