"""Models: what is registered, which datasets each has embedded, adding and training one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared import amounts
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import coverage, register, training
from workbench.types import ModelInfo

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Models", width="stretch")
        with guarded():
            register.button()
    tabs = st.tabs(list(_TABS), key="tab", bind="query-params")
    for tab, view in zip(tabs, _TABS.values(), strict=True):
        if tab.open:
            with tab, guarded():
                view()


def _registered() -> None:
    """What there is, which datasets each has embedded, and the card of one."""
    with guarded():
        register.progress()
    models = api().models()
    if not models:
        st.info(
            "No model is registered yet. The two sample models register themselves in a new "
            "workspace; others are added with the button above.",
            icon=":material/deployed_code:",
        )
        return
    left, right = st.columns([1.6, 1], gap="large")
    with left, guarded():
        model = _registry(models)
    with left, guarded():
        coverage.draw(models)
    with right, guarded():
        _card(model)


_TABS = {"Registered": _registered, "Train a LIMoE": training.draw}


def _registry(models: Sequence[ModelInfo]) -> ModelInfo:
    """The table of models; returns the chosen one, at first the first."""
    st.subheader("Registered")
    chosen = st.dataframe(
        [_row(model) for model in models],
        hide_index=True,
        key="registry",
        on_select="rerun",
        selection_mode="single-row",
        column_config={"parameters": st.column_config.NumberColumn(format="compact")},
    )
    rows = chosen.selection.rows
    return models[rows[0]] if rows and rows[0] < len(models) else models[0]


def _row(model: ModelInfo) -> dict[str, Any]:
    return {
        "name": model.name,
        "architecture": model.arch,
        "dimensions": model.dim,
        "pixels": model.image_size[0],
        "parameters": model.parameters,
        "state": model.state,
    }


def _card(model: ModelInfo) -> None:
    """Everything that decides how this model encodes."""
    st.subheader(plain(model.name))
    if model.state != "ready":
        st.warning(plain(model.note or f"weights {model.state}"), icon=":material/warning:")
    facts = [{"property": name, "value": str(value)} for name, value in _facts(model).items()]
    st.dataframe(facts, hide_index=True, height="content", key="card")
    with st.popover("Remove", icon=":material/delete:", key="remove", on_change="rerun") as pop:
        if pop.open:
            st.markdown(
                f"Takes **{plain(model.name)}** and all its vectors out of the workspace. The "
                "weights stay where they are."
            )
            if st.button("Remove it", type="primary"):
                api().remove_model(model.name)
                st.rerun()


def _facts(model: ModelInfo) -> Mapping[str, Any]:
    bias = "none (softmax)" if model.logit_bias is None else f"{model.logit_bias:.4g} (sigmoid)"
    return {
        "architecture": model.arch,
        "weights": model.weights,
        "weights sha256": model.weights_sha256 or "not loaded yet",
        "key": model.key,
        "parameters": amounts.count(model.parameters),
        "vector length": model.dim,
        "image size": f"{model.image_size[0]} x {model.image_size[1]} pixels",
        "context": f"{model.context_length} tokens",
        "precision": model.precision,
        "logit scale": f"{model.logit_scale:.4g}",
        "logit bias": bias,
        "preprocessing": _line(model.preprocess),
        "tokenizer": _line(model.tokenizer),
    }


def _line(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
