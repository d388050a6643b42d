"""Gallery: the images of a run, its mistakes first, filtered and sorted; arrow keys walk them."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from pages.shared import filters, paging
from pages.views import predicted, zero_shot_runs
from workbench.api import ZeroShotRun
from workbench.measures.error_types import RULES

__all__ = ["draw"]

_SHOWN = {"Mistakes": False, "Right": True, "All": None}
_WORDS = {"Mistakes": "are mistaken", "Right": "are right", "All": "shown"}
_ANY = "any"
_SORTS: dict[str, tuple[str, Literal["asc", "desc"]]] = {
    "furthest off first": ("margin", "asc"),
    "closest calls first": ("margin", "desc"),
    "most confident first": ("confidence", "desc"),
    "least confident first": ("confidence", "asc"),
    "most torn first": ("entropy", "desc"),
    "true class ranked last first": ("rank", "desc"),
    "as imported": ("row", "asc"),
}
_SORT_HELP = (
    "Margin: logit of the true class minus that of the best other class. Confidence: probability "
    "of the predicted class. Torn: entropy of the probabilities. Rank: place of the true class."
)
_VERDICTS: dict[str, str | None] = {_ANY: None, "no verdict yet": "none"}
_VERDICTS |= {rule.title: rule.category for rule in RULES}
_VERDICT_HELP = (
    "What a person found the mistake to be, or where nobody has judged it yet, what the newest "
    "review of this run proposes."
)
_NOTE_HELP = "Words in a person's note on the image or on its verdict; all must be there."


def draw(run: ZeroShotRun) -> None:
    """Draw the tab."""
    names = zero_shot_runs.class_names(run.key)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        shown = _shown()
        truth = _class("True class", "truth", names)
        guess = _class("Predicted class", "predicted", names)
        view = filters.bar(run.dataset, key="gallery")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        sort = st.selectbox(
            "Order", list(_SORTS), key="order", bind="query-params", width=240, help=_SORT_HELP
        )
        low, high = _confidence()
        verdict = _verdict()
        note = st.text_input("Note", key="note", bind="query-params", width=150, help=_NOTE_HELP)
        st.space("stretch")
        part = paging.controls()
    filters.chips(view, key="gallery")
    conditions: dict[str, Any] = {"where": view.where, "search": view.search}
    conditions |= {"truth": truth, "predicted": guess, "correct": _SHOWN[shown]}
    conditions |= {"verdict": verdict, "note": note or ""}
    if (low, high) != (0, 100):
        conditions["confidence"] = (low / 100, high / 100)
    asked = predicted.Asked(run, conditions, _SORTS[sort or "furthest off first"])
    predicted.draw(asked, _WORDS[shown], key="gallery", part=part)


def _shown() -> str:
    chosen = st.segmented_control(
        "Show", list(_SHOWN), default="Mistakes", required=True, key="show", bind="query-params"
    )
    return chosen or "Mistakes"


def _class(label: str, key: str, names: tuple[str, ...]) -> int | None:
    """The chosen class, None for any; repeated names are told apart by their place."""
    options = [_ANY, *_distinct(names)]
    chosen = st.selectbox(label, options, key=key, bind="query-params", width=190)
    return None if chosen in (None, _ANY) else options.index(chosen) - 1


def _distinct(names: tuple[str, ...]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 and name != _ANY else f"{name} ({seen[name]})")
    return found


def _confidence() -> tuple[int, int]:
    low, high = st.slider(
        "Confidence, %", 0, 100, (0, 100), key="sure", bind="query-params", width=240
    )
    return low, high


def _verdict() -> str | None:
    chosen = st.selectbox(
        "Verdict",
        list(_VERDICTS),
        key="verdict",
        bind="query-params",
        width=190,
        help=_VERDICT_HELP,
    )
    return _VERDICTS.get(chosen or _ANY)
