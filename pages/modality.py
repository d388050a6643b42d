"""Modality gap: how a model holds images and texts apart, with or without experts."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import (
    modality_alignment,
    modality_ask,
    modality_gap,
    modality_layers,
    modality_units,
)
from workbench.api import ModalityReport

__all__ = ["draw"]

_TABS = {
    "Gap": modality_gap.draw,
    "Layers": modality_layers.draw,
    "Units": modality_units.draw,
    "Alignment": modality_alignment.draw,
}


def draw() -> None:
    """Draw the page."""
    st.title("Modality gap")
    infos = [info for info in api().datasets() if info.captions]
    if not infos or not api().models():
        st.info(
            "The gap lies between images and their captions: it takes a dataset with captions and "
            "a model.",
            icon=":material/compress:",
        )
        nav.link("datasets", "Import images with captions", icon=":material/photo_library:")
        return
    reports = api().modality_reports()
    if not reports:
        modality_ask.nothing_yet(infos)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        report = modality_ask.pick(reports)
        modality_ask.another(infos)
    modality_ask.unmeasured(reports, infos)
    modality_ask.jobs()
    _facts(report)
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params")
    for tab, view in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view(report)


def _facts(report: ModalityReport) -> None:
    """What the measurement rests on, and what its towers allow to be said."""
    parts = [
        f"{amounts.noun(report.n, 'pair')} of image and caption",
        f"joint space of {amounts.count(report.dim)} dimensions",
        "one tower for both modalities"
        if report.shared
        else "two towers with weights of their own",
        f"seed {report.seed}",
    ]
    if not report.current:
        parts.append("the dataset has changed since")
    st.caption(" · ".join(parts) + ". " + " ".join(plain(note) for note in report.notes))
