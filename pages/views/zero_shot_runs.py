"""Zero-shot runs as read: their names, their measures in words, and choosing one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shared import amounts, nav, url
from pages.shared.handle import api
from pages.shared.plain import short
from workbench.api import ZeroShotRun
from workbench.measures import naming
from workbench.measures.naming import MEASURES

__all__ = ["MEASURES", "class_names", "nothing_yet", "pick", "table_rows", "title", "worded"]


def title(run: ZeroShotRun) -> str:
    """A run in one line: model, head and prompts; not escaped."""
    return f"{run.model} · {run.head_title} · {run.prompts_name}"


def worded(run: ZeroShotRun, name: str) -> str:
    """A measure with its 95% interval: ``81.2% (79.9 to 82.4)``; empty when it was not taken."""
    measure = run.measures.get(name)
    return "" if measure is None else naming.worded(name, measure)


def pick(
    runs: Sequence[ZeroShotRun], *, param: str = "run", label: str = "Run", nth: int = 0
) -> ZeroShotRun:
    """Choose one of the runs (there must be one); its key is in the address.

    Args:
        runs: to choose from.
        label: of the widget.
        param: address parameter that holds the key.
        nth: which is chosen when the address names none.
    """
    by_key = {run.key: run for run in runs}
    now = url.read(param)
    first = now if now in by_key else runs[min(nth, len(runs) - 1)].key
    key = f"{param}.pick.{first}"

    def changed() -> None:
        url.write(**{param: st.session_state[key], "class": None, "cell": None, "row": None})

    chosen = st.selectbox(
        label,
        list(by_key),
        index=list(by_key).index(first),
        format_func=lambda each: _named(by_key[each]),
        key=key,
        on_change=changed,
        width="stretch",
    )
    return by_key[chosen or first]


def _named(run: ZeroShotRun) -> str:
    top1 = run.measures.get("top1")
    figure = f": {top1.value:.1%}" if top1 is not None else ""
    return f"{run.dataset} · {title(run)}{figure}"


def nothing_yet() -> None:
    """Say that nothing was evaluated, and lead to where it is done."""
    st.info(
        "Nothing is evaluated yet: a zero-shot run of a model on a dataset fills this page.",
        icon=":material/target:",
    )
    nav.link("zero_shot", "Evaluate", icon=":material/target:")


def class_names(key: str) -> tuple[str, ...]:
    """The names of a run's classes, in their order."""
    return tuple(str(name) for name in api().run_classes(key)["name"].to_pylist())


def table_rows(runs: Sequence[ZeroShotRun]) -> list[dict[str, Any]]:
    """The runs as rows of the table on screen, each measure with its interval."""
    names = [name for name in MEASURES if any(name in run.measures for run in runs)]
    rows = []
    for run in runs:
        top1 = run.measures.get("top1")
        row: dict[str, Any] = {
            "model": run.model,
            "head": run.head_title,
            "prompts": short(run.prompts_name, 40),
            "classes": amounts.count(run.classes),
            "images": top1.n if top1 is not None else 0,
        }
        row |= {MEASURES[name][0]: worded(run, name) for name in names}
        rows.append(row)
    return rows
