"""The question of a zero-shot run: dataset, model, classes, prompts, head; and its button."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared import filters, job_panel, nav, pickers
from pages.shared.errors import guarded
from pages.shared.filters import View
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import class_sets, head_form, prompt_sets
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet
from workbench.types import DatasetInfo, JobInfo, ModelInfo

__all__ = ["draw"]

_KIND = "evaluate-zero-shot"


@dataclass(frozen=True)
class _Asked:
    """What is run when the button is clicked."""

    info: DatasetInfo
    model: ModelInfo
    label: str
    view: View
    classes: ClassSet
    prompts: PromptSet
    chosen: head_form.Chosen


def draw(infos: Sequence[DatasetInfo]) -> DatasetInfo:
    """Draw the form, the button and the running jobs; return the chosen dataset."""
    # Datasets with one label an image come first: there is the most to see.
    infos = sorted(infos, key=lambda each: not _labelled(each))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        info = pickers.dataset(infos)
        model = pickers.model(info.name)
        label = _label(info)
        view = filters.bar(info.name, key="ask", find=False)
    filters.chips(view, key="ask")
    if model is None:
        st.info(f"No model has embedded {plain(info.name)} yet.", icon=":material/deployed_code:")
        nav.link("models", "Embed it", icon=":material/deployed_code:")
    elif label is None:
        st.info(f"{plain(info.name)} has no column with labels.", icon=":material/label:")
    else:
        with guarded():
            _form(info, model, label, view)
    _jobs(info)
    return info


def _labelled(info: DatasetInfo) -> bool:
    return any(c.name == "label" and c.distinct > 1 for c in api().columns(info.name))


def _label(info: DatasetInfo) -> str | None:
    """The column that holds the true class."""
    kinds = {c.name: c.kind for c in api().columns(info.name) if c.distinct > 1}
    names = [name for name, kind in kinds.items() if kind in ("text", "list")]
    names.sort(key=lambda name: name != "label")
    if not names:
        return None
    chosen = st.selectbox("True class", names, key="label", bind="query-params", width=150)
    return str(chosen or names[0])


def _form(info: DatasetInfo, model: ModelInfo, label: str, view: View) -> None:
    first, second, third = st.columns(3, gap="medium", border=True)
    with first, guarded():
        classes = class_sets.choose(info, label)
    with second, guarded():
        prompts = prompt_sets.choose(classes, model)
    with third, guarded():
        chosen = head_form.choose(classes, info.name)
        asked = _Asked(info, model, label, view, classes, prompts, chosen)
        st.button(
            f"Evaluate {plain(model.name)} on {plain(info.name)}",
            key="evaluate",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            on_click=_submit,
            args=(asked,),
        )


def _submit(asked: _Asked) -> None:
    api().submit_zero_shot(
        asked.info.name,
        asked.model.name,
        classes=asked.classes,
        prompts=asked.prompts,
        head=asked.chosen.head.key,
        options=asked.chosen.options,
        shots=asked.chosen.shots,
        pairs=asked.chosen.pairs,
        retrieve=asked.chosen.retrieve,
        label=asked.label,
        where=asked.view.where,
    )
    api().ensure_worker()


def _jobs(info: DatasetInfo) -> None:
    def ask() -> list[JobInfo]:
        jobs = api().jobs(job_panel.ACTIVE, limit=1000)
        asked = [(j, j.params.get("ask", j.params)) for j in jobs if j.kind == _KIND]
        return [job for job, params in asked if params["dataset"] == info.name]

    if ask():
        job_panel.panel(ask, key="ask.jobs")
