"""A run held against a published table: the difference, and all that makes them incomparable."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, export, url
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views.zero_shot_runs import MEASURES
from workbench.api import ZeroShotRun
from workbench.measures.published_table import Held

__all__ = ["draw"]

_HELP = (
    "A CSV file as open_clip publishes it: columns name and pretrained, and a column of accuracies "
    "from 0 to 1 for each dataset. It is kept in the workspace, so that the link reopens it."
)


def draw(run: ZeroShotRun) -> None:
    """Draw the expander; what is chosen in it is in the address."""
    label = "Against a published table"
    with st.expander(
        label,
        icon=":material/table_chart:",
        key="against",
        on_change="rerun",
        bind="query-params",
    ) as box:
        if box.open:
            with guarded():
                _choose(run)


def _choose(run: ZeroShotRun) -> None:
    file = st.file_uploader("Table", ["csv"], key="against.file", max_upload_size=16, help=_HELP)
    if file is not None:
        folder = api().keep_uploads([file])
        url.write(table=f"{folder.name}/{next(folder.iterdir()).name}")
    path = api().kept_upload(url.read("table"))
    if path is None:
        if url.read("table"):
            st.caption("The table that this link names is not in this workspace.")
        return
    rows, columns = api().published_names(path)
    if not rows:
        st.info("The table names no model.")
        return
    card = api().model(run.model)
    left, right = st.columns(2)
    with left:
        row = _pick("Model of the table", rows, f"{card.arch} {card.weights}", param="published")
    with right:
        column = _pick("Dataset of the table", columns, run.dataset, param="dataset_column")
    st.caption(f"From {plain(path.name)}: {amounts.noun(len(rows), 'model')}.")
    _show(api().hold_against(run.key, path, row, column))


def _pick(label: str, names: Sequence[str], own: str, *, param: str) -> str:
    """One of the names: that of the address, else the run's own one, else the first."""
    distinct = list(dict.fromkeys(names))
    now = url.read(param)
    first = next((name for name in (now, own) if name in distinct), distinct[0])
    key = f"against.{param}.{first}"

    def changed() -> None:
        url.write(**{param: st.session_state[key]})

    chosen = st.selectbox(label, distinct, distinct.index(first), key=key, on_change=changed)
    return chosen or first


def _show(held: Held) -> None:
    """Both figures, their difference with its interval, and every warning."""
    gap = held.difference
    label = MEASURES[held.measure][0]
    here, there, apart = st.columns(3)
    here.metric(f"Here, {label}", f"{held.measured.value:.2%}")
    there.metric("Published", f"{held.published:.2%}")
    apart.metric("Difference", f"{100 * gap.value:+.2f} points")
    words = "0 lies inside: they agree" if held.agrees else "0 lies outside: they differ"
    st.markdown(
        f"95% interval of the difference {100 * gap.low:+.2f} to {100 * gap.high:+.2f} points on "
        f"{amounts.noun(gap.n, 'image')}; {words}.",
        help="The run's own interval, as if the published figure were exact.",
    )
    for warning in held.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    export.table(
        lambda: [
            {
                "run": held.run, "measure": held.measure, "value": held.measured.value,
                "model": held.name, "pretrained": held.pretrained, "dataset": held.column,
                "published": held.published, "difference": gap.value, "low": gap.low,
                "high": gap.high, "images": gap.n, "agrees": held.agrees,
                "warnings": " ".join(held.warnings),
            }
        ],
        name=f"{held.run}-against-{held.name}",
        key="against.export",
    )  # fmt: skip
