"""Datasets: bring images in, browse them, and see what a dataset is made of."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, pickers
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain, short
from pages.views import browse, importing, report
from workbench.types import DatasetInfo

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    infos = api().datasets()
    if not infos:
        st.title("Datasets")
        st.caption("There is no dataset yet: import one.")
        importing.draw()
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Datasets", width="content")
        info = pickers.dataset(infos, bare=True)
        st.caption(_facts(info), width="stretch")
        _delete(info)
    tabs = st.tabs(["Browse", "Report", "Import"], key="tab", bind="query-params")
    for tab, view in zip(tabs, (browse.draw, report.draw, _import), strict=True):
        if tab.open:
            with tab, guarded():
                view(info)


def _import(_: DatasetInfo) -> None:
    importing.draw()


def _facts(info: DatasetInfo) -> str:
    parts = [amounts.noun(info.items, "item"), amounts.noun(info.captions, "caption")]
    if info.skipped:
        parts.append(f"{amounts.count(info.skipped)} skipped")
    return f"{' · '.join(parts)}  \nfrom {plain(short(info.source, 90))}"


def _delete(info: DatasetInfo) -> None:
    with st.popover("Delete", icon=":material/delete:", key="delete", on_change="rerun") as pop:
        if not pop.open:
            return
        st.markdown(
            f"Takes **{plain(info.name)}** out of this workspace, with its vectors, indexes, "
            "notes and tags. The files it was imported from are not touched."
        )
        typed = st.text_input("Type its name to confirm", key="delete.name")
        if st.button("Delete for good", type="primary", disabled=typed != info.name):
            api().delete_dataset(info.name)
            st.session_state.pop("dataset", None)
            st.toast(f"{plain(info.name)} is deleted.")
            st.rerun()
