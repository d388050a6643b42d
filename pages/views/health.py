"""Is every file of the workspace what the catalog says, and what can be thrown away."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts
from pages.shared.handle import api
from pages.shared.plain import plain

__all__ = ["draw"]


def draw() -> None:
    """Draw the section: check the files, free space."""
    st.subheader("Workspace")
    st.caption(plain(str(api().root)))
    with st.container(horizontal=True, gap="small"):
        check = st.button("Check files", icon=":material/stethoscope:")
        space = st.button("Unused files", icon=":material/cleaning_services:")
    if check:
        _check()
    if space:
        _unused()


def _check() -> None:
    with st.spinner("Looking at every file"):
        findings = api().doctor(deep=False)
    if not findings:
        st.success(
            "Every file is there and has its size. `workbench doctor` compares checksums too.",
            icon=":material/check:",
        )
        return
    st.warning(f"{amounts.noun(len(findings), 'finding')}.", icon=":material/warning:")
    st.dataframe(
        [{"what": f.what, "kind": f.kind, "file": str(f.path), "do": f.do} for f in findings],
        hide_index=True,
    )


def _unused() -> None:
    names, amount = api().gc(dry_run=True)
    if not names:
        st.success("There are no unused files.", icon=":material/check:")
        return
    st.info(f"{amounts.noun(len(names), 'file')} of deleted data: {amounts.size(amount)}.")
    st.button("Remove them", icon=":material/delete:", on_click=api().gc, kwargs={"dry_run": False})
