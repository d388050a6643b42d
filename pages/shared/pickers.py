"""Choosing a dataset and models; the choice is in the address and goes along between pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.shared import url
from pages.shared.handle import api
from pages.shared.plain import short
from workbench.types import DatasetInfo, ModelInfo, Side

__all__ = ["addressed", "dataset", "embedded", "model", "models"]


def dataset(infos: Sequence[DatasetInfo], *, bare: bool = False) -> DatasetInfo:
    """Pick one of the datasets (there must be one); ``bare`` hides the label."""
    names = [info.name for info in infos]
    chosen = st.selectbox(
        "Dataset",
        names,
        key="dataset",
        bind="query-params",
        width=200,
        label_visibility="collapsed" if bare else "visible",
    )
    return next((info for info in infos if info.name == chosen), infos[0])


def addressed(label: str, names: Mapping[str, str], *, param: str) -> str:
    """Pick one of several keys by its name; the key itself is in the address.

    A key that the address names and that is not there counts as the first.

    Args:
        label: of the box.
        names: key -> name, at least one; the first is the default.
        param: address parameter.
    """
    now = url.read(param)
    now = now if now in names else next(iter(names))
    key = f"{param}.pick.{now}"
    st.selectbox(
        label,
        list(names),
        index=list(names).index(now),
        format_func=lambda each: short(names[each], 48),
        key=key,
        on_change=lambda: url.write(**{param: st.session_state[key]}),
    )
    return now


def embedded(name: str, side: Side = "image") -> list[ModelInfo]:
    """The models that have vectors of this side of a dataset, those that cover most first."""
    done = {
        info.model: info.done
        for info in api().vectors()
        if info.dataset == name and info.side == side and info.done
    }
    found = [model for model in api().models() if model.key in done or model.name in done]
    return sorted(found, key=lambda m: (-done.get(m.key, done.get(m.name, 0)), m.name))


def models(name: str, side: Side = "image", *, most: int = 3) -> list[ModelInfo]:
    """Pick one to ``most`` of the models that embedded a dataset; empty when none has."""
    found = embedded(name, side)
    if not found:
        return []
    names = [model.name for model in found]
    chosen = st.multiselect(
        "Models, side by side",
        names,
        default=names[:1],
        max_selections=most,
        key="models",
        bind="query-params",
        width=300,
        placeholder="choose a model",
    )
    return [model for model in found if model.name in chosen] or found[:1]


def model(name: str, side: Side = "image", *, key: str = "model") -> ModelInfo | None:
    """Pick one of the models that embedded a dataset; None when none has."""
    found = embedded(name, side)
    if not found:
        return None
    names = [model.name for model in found]
    chosen = st.selectbox("Model", names, key=key, bind="query-params", width=220)
    return next((model for model in found if model.name == chosen), found[0])
