"""Choosing a measurement of the modality gap, and asking for another."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import job_panel, url
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain
from workbench.api import ModalityReport
from workbench.types import DatasetInfo

__all__ = ["another", "jobs", "nothing_yet", "pick", "unmeasured"]

_KIND = "measure-modality"
_PAIRS = (100, 250, 500, 1000, 2000)


def named(report: ModalityReport) -> str:
    """A measurement in one line; not escaped."""
    return f"{report.model} on {report.dataset} · {report.n:,} pairs"


def pick(reports: Sequence[ModalityReport]) -> ModalityReport:
    """Choose one of the measurements (there must be one); its key is in the address.

    Where the address names a model only, its newest comes first.
    """
    wanted = url.read("model")
    by_key = {
        report.key: report for report in sorted(reports, key=lambda each: each.model != wanted)
    }
    names = {key: named(report) for key, report in by_key.items()}
    return by_key[addressed("Measurement", names, param="gap")]


def nothing_yet(infos: Sequence[DatasetInfo]) -> None:
    """What this page would show, and the form that asks for it."""
    st.info(
        "No model has been measured yet. The gap is a question to any model that embeds images and "
        "texts, with experts or without: how far the two lie apart, in which layers they part, "
        "which units answer to one of them, and how alike both sides arrange the same pairs.",
        icon=":material/compress:",
    )
    _form(infos, key="first")
    jobs()


def unmeasured(reports: Sequence[ModalityReport], infos: Sequence[DatasetInfo]) -> None:
    """The form for the model that the address names, where it was not measured yet."""
    wanted = url.read("model")
    known = {card.name for card in api().models()}
    if wanted in known - {report.model for report in reports}:
        st.info(f"{plain(wanted)} has not been measured yet.", icon=":material/compress:")
        _form(infos, key="wanted")


def another(infos: Sequence[DatasetInfo]) -> None:
    """A button that opens the form."""
    with st.popover("Measure a model", icon=":material/add:"):
        _form(infos, key="another")


def _form(infos: Sequence[DatasetInfo], *, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        dataset = st.selectbox(
            "Dataset", [info.name for info in infos], key=f"gap.{key}.dataset", width=180
        )
        names = [card.name for card in api().models()]
        wanted = url.read("model")
        model = st.selectbox(
            "Model",
            names,
            index=names.index(wanted) if wanted in names else 0,
            key=f"gap.{key}.model",
            width=220,
        )
        pairs = st.selectbox(
            "Pairs",
            _PAIRS,
            index=3,
            key=f"gap.{key}.pairs",
            width=110,
            help="Drawn from the images with a caption. What is compared pair by pair takes four "
            "times as long for twice as many.",
        )
        st.button(
            "Measure",
            key=f"gap.{key}.go",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_submit,
            args=(dataset, model, pairs),
        )
    st.caption(
        "The images and captions pass the model once more, so that its layers can be read; it need "
        "not have embedded them. Closing the gap is also tried in the model's newest zero-shot run "
        "with the mean of prompts, where it has one."
    )


def _submit(dataset: str, model: str, pairs: int) -> None:
    api().submit_modality(dataset, model, pairs=pairs)
    api().ensure_worker()
    url.write(gap=None, model=model)


def jobs() -> None:
    """The measurements on their way."""
    job_panel.of_kind(_KIND, key="gap.jobs")
