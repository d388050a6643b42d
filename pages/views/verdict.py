"""What a person says a mistake is, beside what the rules propose."""

from __future__ import annotations

import streamlit as st

from pages.shared.handle import api
from pages.shared.plain import plain
from workbench.api import PredictionRow, ZeroShotRun
from workbench.measures.error_types import CATEGORIES, RULES

__all__ = ["draw"]

_NONE = "no verdict"


def draw(run: ZeroShotRun, one: PredictionRow) -> None:
    """Draw the box; nothing for an image that was answered rightly."""
    if one.truth < 0 or one.truth == one.predicted:
        return
    titles = {rule.category: rule.title for rule in RULES}
    now = api().verdicts(run.dataset).get(one.item, ("", ""))[0]
    options = [_NONE, *CATEGORIES]
    key = f"verdict.{run.dataset}.{one.row}.{now}"

    def changed() -> None:
        said = st.session_state[key]
        api().set_verdict(run.dataset, one.item, "" if said == _NONE else said)

    st.selectbox(
        "What is it?",
        options,
        index=options.index(now) if now in options else 0,
        format_func=lambda each: titles.get(each, each),
        key=key,
        on_change=changed,
        help=_proposal(run.key, one.row),
    )


def _proposal(key: str, row: int) -> str:
    """What the review proposed for this mistake, with its rule."""
    if api().review(key) is None:
        return "Kept for this image, in every run. The tab Review proposes a kind for each mistake."
    table = api().review_table(key, "proposals")
    rows = table["row"].to_pylist()
    if row not in rows:
        return "Kept for this image, in every run."
    place = rows.index(row)
    category, word = (table[name][place].as_py() for name in ("category", "word"))
    rule = next(rule for rule in RULES if rule.category == category)
    title = plain(f"{rule.title}, {word}" if category == "out-of-vocabulary" else rule.title)
    return f"Proposed: {title}. {rule.sentence} Your verdict is kept for every run."
