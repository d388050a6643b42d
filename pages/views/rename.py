"""What becomes of a class under another name: type one, see accuracy change at once."""

from __future__ import annotations

import streamlit as st

from pages.shared.handle import api
from pages.shared.plain import plain
from workbench.api import ZeroShotRun

__all__ = ["draw"]


def draw(run: ZeroShotRun, index: int, name: str) -> None:
    """Draw the box of one class; only for heads that average prompts."""
    if run.head != "mean":
        return
    key = f"rename.{run.key}.{index}"
    typed = st.text_input(
        "Under another name",
        key=key,
        placeholder=name,
        help="Prompts with the new name are encoded and the class is scored anew; all other "
        "classes stay as they are. Nothing is stored.",
    )
    if not (typed or "").strip() or typed.strip() == name:
        return
    before, after = api().rename(run.key, index, typed.strip())
    left, right = st.columns(2)
    left.metric(
        f"Accuracy as {plain(typed.strip())}",
        f"{after[0]:.1%}",
        f"{100 * (after[0] - before[0]):+.1f} points",
    )
    right.metric("Of all images", f"{after[1]:.2%}", f"{100 * (after[1] - before[1]):+.2f} points")
