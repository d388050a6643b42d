"""What each prompt adds to the score of the true and of the predicted class of one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shared import export
from pages.shared.chart import chart, figure_export
from pages.shared.plain import plain, short
from workbench.api import Explanation, PromptPart, ZeroShotRun
from workbench.plots import contributions

__all__ = ["draw"]

_BARS = 20


def draw(run: ZeroShotRun, found: Explanation) -> None:
    """Draw the bars, the sums they add up to, and the table of all prompts."""
    if not found.predicted_parts:
        st.info(
            f"The score of {plain(run.head_title)} is no sum over prompts: it comes from images. "
            "The nearest images below say more.",
            icon=":material/info:",
        )
        return
    _sums(found)
    mistaken = found.true >= 0 and found.true != found.predicted and bool(found.true_parts)
    if mistaken and found.aligned and len(found.true_parts) > 1:
        _margin(run, found)
    elif mistaken:
        left, right = st.columns(2, gap="medium")
        with left:
            _bars(run, found, found.true_parts, found.true_name, "true")
        with right:
            _bars(run, found, found.predicted_parts, found.predicted_name, "predicted")
    else:
        _bars(run, found, found.predicted_parts, found.predicted_name, "predicted")
    _table(run, found)


def _sums(found: Explanation) -> None:
    """The two logits, and that the prompts below add up to them."""
    shared = f" and {found.shared:+.3f} for every class" if found.shared else ""
    words = [f"**{plain(found.predicted_name)}** scores {found.predicted_logit:.3f}"]
    if found.true >= 0 and found.true != found.predicted:
        gap = found.true_logit - found.predicted_logit
        words.append(f"**{plain(found.true_name)}** {found.true_logit:.3f}")
        words.append(f"margin {gap:.3f}")
    st.markdown(", ".join(words) + ".")
    st.caption(f"Logits. The contributions of a class's prompts{shared} add up to its logit.")


def _margin(run: ZeroShotRun, found: Explanation) -> None:
    """Template by template: which speak for the true class and which against it."""
    pairs = list(zip(found.true_parts, found.predicted_parts, strict=True))
    pairs.sort(key=lambda pair: pair[0].contribution - pair[1].contribution)
    shown = pairs if len(pairs) <= _BARS else [*pairs[: _BARS // 2], *pairs[-_BARS // 2 :]]
    st.markdown(
        f"**What each template adds to the margin** (right: for {plain(found.true_name)}, left: "
        f"for {plain(found.predicted_name)})"
    )
    figure = contributions.margin_bars(
        [mine.name for mine, _ in shown],
        [mine.contribution for mine, _ in shown],
        [theirs.contribution for _, theirs in shown],
    )
    chart(figure, key="why.margin")
    if len(shown) < len(pairs):
        st.caption(f"The {len(shown)} that speak loudest of {len(pairs)}; the table has them all.")
    figure_export(figure, chart="why.margin", name=_name(run, found, "margin"), rows=_rows(found))


def _bars(
    run: ZeroShotRun, found: Explanation, parts: Sequence[PromptPart], name: str, side: str
) -> None:
    shown = sorted(parts, key=lambda part: -abs(part.contribution))[:_BARS]
    st.markdown(f"**{plain(short(name, 40))}**, the {side} class")
    figure = contributions.prompt_bars(
        [part.text for part in shown], [part.contribution for part in shown]
    )
    chart(figure, key=f"why.{side}")
    figure_export(figure, chart=f"why.{side}", name=_name(run, found, side), rows=_rows(found))


def _table(run: ZeroShotRun, found: Explanation) -> None:
    rows = _rows(found)
    with st.expander(f"All {len(rows)} prompts", icon=":material/list:", key="why.prompts"):
        columns: dict[str, Any] = {
            "similarity": st.column_config.NumberColumn(
                "similarity", format="%.4f", help="Cosine of the prompt with the image."
            ),
            "contribution": st.column_config.NumberColumn("contribution", format="%.4f"),
        }
        st.dataframe(
            rows,
            hide_index=True,
            height="content" if len(rows) <= 10 else 360,
            column_config=columns,
            key="why.prompts.table",
        )
        export.table(lambda: rows, name=_name(run, found, "prompts"), key="why.prompts.export")


def _rows(found: Explanation) -> list[dict[str, Any]]:
    sides = [(found.predicted_name, found.predicted_parts)]
    if found.true != found.predicted:
        sides.insert(0, (found.true_name, found.true_parts))
    return [
        {
            "class": name,
            "prompt": part.text,
            "similarity": part.similarity,
            "contribution": part.contribution,
        }
        for name, parts in sides
        for part in parts
    ]


def _name(run: ZeroShotRun, found: Explanation, what: str) -> str:
    return f"{run.dataset}-{found.row}-{run.model}-{run.head}-{what}"
