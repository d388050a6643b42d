"""The texts of one class: the classes that read alike, and its prompts, each tried alone."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import export, url
from pages.shared.handle import api
from workbench.api import NearClass, PromptRank, ZeroShotRun
from workbench.errors import InputError

__all__ = ["draw"]

_NEAR_HELP = (
    "By the cosine of the class vectors: the mean of a class's unit prompts, made unit length. "
    "Click one to open that class."
)
_RANK_HELP = (
    "Accuracy: share of the class's images whose logit with this prompt alone beats the best logit "
    "of every other class, as the run has them with all their prompts. Lead: the mean of that "
    "difference."
)


def draw(run: ZeroShotRun, index: int) -> None:
    """Draw both tables; nothing for heads without prompts."""
    near = _near(run.key, index)
    if near:
        st.markdown("**Nearest class names in text space**", help=_NEAR_HELP)
        _doors(run, index, near)
    ranked = _ranked(run.key, index)
    if len(ranked) > 1 and ranked[0].n:
        st.markdown("**Its prompts, each alone**", help=_RANK_HELP)
        _prompts(run, index, ranked)


@st.cache_data(max_entries=200, show_spinner=False)
def _near(key: str, index: int) -> tuple[NearClass, ...]:
    try:
        return api().nearest_classes(key, index)
    except InputError:
        return ()


@st.cache_data(max_entries=200, show_spinner=False)
def _ranked(key: str, index: int) -> tuple[PromptRank, ...]:
    try:
        return api().prompt_ranking(key, index)
    except InputError:
        return ()


def _doors(run: ZeroShotRun, index: int, near: Sequence[NearClass]) -> None:
    key = f"class.near.{run.key}.{index}"

    def selected() -> None:
        places = st.session_state[key].selection.rows
        if places:
            st.session_state.pop("at", None)
            url.write(**{"class": near[places[0]].place, "at": None})

    rows = [{"class": one.name, "cosine": one.cosine, "accuracy": one.accuracy} for one in near]
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        key=key,
        column_config={
            "cosine": st.column_config.NumberColumn("cosine", format="%.3f"),
            "accuracy": st.column_config.ProgressColumn("accuracy", format="percent"),
        },
        selection_mode="single-row",
        on_select=selected,
    )
    export.table(lambda: rows, name=f"{run.dataset}-class-{index}-near", key="class.near.export")


def _prompts(run: ZeroShotRun, index: int, ranked: Sequence[PromptRank]) -> None:
    rows = [
        {"prompt": one.text, "accuracy": one.accuracy, "right": one.right, "lead": one.lead}
        for one in ranked
    ]
    st.dataframe(
        rows,
        hide_index=True,
        height="content" if len(rows) < 12 else 420,
        key=f"class.prompts.{run.key}.{index}",
        column_config={
            "accuracy": st.column_config.ProgressColumn("accuracy", format="percent"),
            "right": st.column_config.NumberColumn(f"right of {ranked[0].n:,}"),
            "lead": st.column_config.NumberColumn("lead", format="%+.2f"),
        },
    )
    st.caption(
        "With this prompt alone, the share of the class's images whose logit beats the best other "
        "class's, which keeps all its prompts."
    )
    name = f"{run.dataset}-class-{index}-prompts"
    export.table(lambda: rows, name=name, key="class.prompts.export")
