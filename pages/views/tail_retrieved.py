"""Retrieved images: what learning from images that captions retrieve does to head and tail."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.shared import amounts, export, nav
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain
from pages.views import changed, countings, zero_shot_runs
from workbench.api import Comparison, CountRun, ZeroShotRun
from workbench.measures.interval import Measure
from workbench.types import JobInfo

__all__ = ["draw"]

_PARTS = {
    "tail": "the rarest fifth",
    "middle": "between",
    "head": "the most frequent fifth",
    "overall": "all classes",
}


def draw() -> None:
    """Draw the tab."""
    runs = api().zero_shot_runs()
    if not runs:
        zero_shot_runs.nothing_yet()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        run = zero_shot_runs.pick(runs)
        counts = api().retrievable(run.key)
        if counts:
            key = addressed("Retrieve from", {c.key: c.label for c in counts}, param="retrieve")
            each = st.number_input(
                "Images a class", min_value=1, value=100, key="each", bind="query-params", width=150
            )
    st.caption(
        "REAL-Linear: images whose captions name a class are retrieved from another dataset, about "
        "equally many for each class, the zero-shot classifier is trained on them, and the two are "
        "averaged (Parashar et al., CVPR 2024)."
    )
    if not counts:
        _nothing_counted(run)
        return
    other = api().retrieved_run(run.key, key, int(each))
    if other is None:
        _ask(run, key, int(each))
        return
    _gain(run, api().zero_shot_run(other), key)


def _nothing_counted(run: ZeroShotRun) -> None:
    """Which captions could be counted, with the button that does it."""
    others = [
        info for info in api().corpora() if info.kind == "dataset" and info.name != run.dataset
    ]
    if not others:
        st.info(
            "No other dataset has captions: import images with captions first.",
            icon=":material/article:",
        )
        nav.link("datasets", "Import", icon=":material/add_photo_alternate:")
        return
    st.info(
        "The classes of this run were not counted in the captions of another dataset yet.",
        icon=":material/article:",
    )
    classes = api().class_set(run.classes_key)
    for info in others:
        st.button(
            f"Count them in {plain(info.name)}",
            key=f"retrieve.count.{info.name}",
            icon=":material/play_arrow:",
            on_click=_count,
            args=(info.name, classes),
        )
    countings.running(lambda job: job.kind == "count-concepts", key="retrieve.counts")


def _count(corpus: str, classes: Any) -> None:
    api().submit_count(corpus, classes=classes)
    api().ensure_worker()


def _ask(run: ZeroShotRun, count: str, each: int) -> None:
    st.button(
        "Train on the retrieved images",
        key="retrieve.ask",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_submit,
        args=(run.key, count, each),
    )

    def mine(job: JobInfo) -> bool:
        return job.params.get("retrieve", {}).get("count") == count

    countings.running(mine, key="retrieve.jobs")


def _submit(run: str, count: str, each: int) -> None:
    api().submit_retrieved(run, count, each)
    api().ensure_worker()


def _gain(run: ZeroShotRun, other: ZeroShotRun, count: str) -> None:
    """Head, middle and tail before and after, and the images that changed."""
    for note in other.notes:
        st.caption(plain(note))
    sources = _frequencies(run, count)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        frequency = addressed("Head and tail by", sources, param="frequency")
        nav.link(
            "compare", "Compare", icon=":material/compare_arrows:", run=run.key, other=other.key
        )
    rows = _rows(run.key, other.key, frequency)
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        columns: dict[str, Any] = {
            "part": "classes",
            "n": st.column_config.NumberColumn("number", help="Classes with images and a count."),
        }
        st.dataframe(rows, hide_index=True, column_config=columns)
        found = api().compare(run.key, other.key)
        _difference(found)
        export.table(lambda: rows, name=f"{run.dataset}-real-linear", key="retrieve.export")
    with right:
        side = st.segmented_control(
            "Images",
            ["Fixed", "Broken"],
            default="Fixed",
            required=True,
            key="side",
            bind="query-params",
            help="Fixed: wrong before and right after. Broken: right before and wrong after.",
        )
        chosen = found.broken if side == "Broken" else found.fixed
        changed.draw(run, other, chosen, name=str(side).lower())


def _difference(found: Comparison) -> None:
    gap = found.difference
    st.markdown(
        f"**{100 * gap.value:+.2f} points** over {amounts.noun(gap.n, 'image')} "
        f"({100 * gap.low:+.2f} to {100 * gap.high:+.2f}), McNemar's p {found.p:.2g}."
    )


def _frequencies(run: ZeroShotRun, count: str) -> dict[str, str]:
    """Countings of the run's classes; what a model learned from before what is retrieved from."""
    counts: list[CountRun] = [c for c in api().counts() if c.classes_key == run.classes_key]
    counts.sort(key=lambda each: each.key == count)
    return {f"count:{each.key}": each.label for each in counts}


@st.cache_data(max_entries=20, show_spinner=False)
def _rows(run: str, other: str, frequency: str) -> list[dict[str, Any]]:
    before, after = (api().tail(f"run:{key}", frequency).tails for key in (run, other))
    return [
        {
            "part": f"{name}: {words}",
            "before": _worded(getattr(before, name)),
            "after": _worded(getattr(after, name)),
            "n": getattr(after, name).n,
        }
        for name, words in _PARTS.items()
    ]


def _worded(measure: Measure) -> str:
    return f"{measure.value:.1f}% ({measure.low:.1f} to {measure.high:.1f})"
