"""Ablate: switch experts off, and see which images and captions the model no longer knows."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import ablate_ask, ablate_damage, ablate_singles
from workbench.api import AblationReport

__all__ = ["draw"]

_TABS = {"Damage": ablate_damage.draw, "Every expert": ablate_singles.draw}
_MODES = {"residual": "tokens pass by the block", "reroute": "tokens go to the best of the others"}


def draw() -> None:
    """Draw the page."""
    st.title("Ablate")
    found = api().ablations()
    if not found:
        ablate_ask.nothing_yet()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        report = ablate_ask.pick(found)
        ablate_ask.another(report)
    ablate_ask.asked()
    ablate_ask.jobs()
    _facts(report)
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params")
    for tab, view in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view(report)


def _facts(report: AblationReport) -> None:
    """What was switched off, what it carries, and what the figures rest on."""
    image, text = report.carried(report.off)
    label = report.label[0].upper() + report.label[1:]
    one = len(report.off) == 1
    blocks = len({layer for layer, _ in report.off})
    st.markdown(
        f"**{label}** of {plain(report.model)}: {'its' if one else 'their'} {_MODES[report.mode]}. "
        f"{image:.1%} of image tokens and {text:.1%} of text tokens choose "
        f"{'it' if one else 'them'}{' (mean of the blocks)' if blocks > 1 else ''}."
    )
    parts = [f"{amounts.noun(report.pairs, 'pair')} of {plain(report.dataset)}"]
    if report.images:
        parts.append(
            f"{amounts.noun(report.images, 'labelled image')} of "
            f"{plain(report.zero_shot_dataset)}, {amounts.count(report.classes)} classes"
        )
    parts += [f"seed {report.seed}", amounts.duration(report.seconds)]
    if not report.current:
        parts.append("the dataset has changed since")
    st.caption(" · ".join(parts) + ". " + " ".join(plain(note) for note in report.notes))
