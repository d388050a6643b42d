"""The state of the worker, in the sidebar of every page."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.shared.redraw import redraw_unless_in_the_way
from workbench.types import JobInfo, WorkerInfo

__all__ = ["chip", "facts", "gpu_warning"]

_SEEN = "_jobs_on_their_way"


def chip() -> None:
    """Device, precision, memory, and what is being done; looks again every two seconds.

    When a job has ended since the page was drawn, the page is drawn anew: its counts changed.
    """
    st.session_state[_SEEN] = None
    _live_chip()


@st.fragment(run_every=2)
def _live_chip() -> None:
    jobs = api().jobs(("queued", "running"), limit=1000)
    _redraw_page_when_one_ended({job.id for job in jobs})
    workers = api().workers()
    with st.container(border=True, gap="xsmall", key="worker"):
        if not workers:
            _asleep(jobs)
        for worker in workers:
            _awake(worker)
        _running(jobs)
    for worker in workers:
        gpu_warning(worker)


def _redraw_page_when_one_ended(now: set[int]) -> None:
    before = st.session_state.get(_SEEN)
    if before is not None and before - now:
        redraw_unless_in_the_way()  # and if it is, the next look finds the same
    else:
        st.session_state[_SEEN] = now


def _asleep(jobs: tuple[JobInfo, ...]) -> None:
    st.badge("No worker", icon=":material/bedtime:", color="orange" if jobs else "gray")
    st.caption("It starts by itself when a text or a job needs it.")
    if jobs and st.button("Start it now", width="stretch"):
        api().ensure_worker()


def _awake(worker: WorkerInfo) -> None:
    starting = worker.device == "starting"
    name = "Starting" if starting else plain(short(device_name(worker), 26))
    icon = ":material/hourglass_top:" if starting else ":material/memory:"
    st.badge(name, icon=icon, color="orange" if starting else "green", help=plain(worker.device))
    if words := facts(worker):
        st.caption(plain(words))


def device_name(worker: WorkerInfo) -> str:
    """``CPU``, or the name of the GPU."""
    if worker.device == "cpu":
        return "CPU"
    return worker.device.partition(" ")[2] or worker.device


def facts(worker: WorkerInfo) -> str:
    """Precision and memory of a worker on one line."""
    memory = ""
    if worker.memory_total:
        memory = f"{amounts.size(worker.memory_used)} of {amounts.size(worker.memory_total)}"
    return " · ".join(part for part in (worker.precision, memory) if part)


def _running(jobs: tuple[JobInfo, ...]) -> None:
    running = [job for job in jobs if job.state == "running"]
    for job in running[:2]:
        share = min(1.0, job.done / job.total) if job.total else 0.0
        st.progress(share, text=plain(short(job.title, 48)))
        if words := amounts.progress_words(job):
            st.caption(plain(words))
    waiting = len(jobs) - len(running)
    if waiting:
        st.caption(f"{amounts.noun(waiting, 'job')} waiting")


def gpu_warning(worker: WorkerInfo) -> None:
    """Say loudly when the machine has a GPU and the worker does not compute on it."""
    if worker.gpu_present and worker.device == "cpu":
        st.warning(
            "**This machine has a GPU, but the worker computes on the CPU.** Embedding is many "
            "times slower than it could be. Stop the worker and run "
            "`workbench worker --device cuda` to see why.",
            icon=":material/warning:",
        )
