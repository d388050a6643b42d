"""Asking for the training of a sparse model: a form made from its declared parameters."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.shared import fields, nav, pickers, url
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain
from workbench.api import CONTEXT, Recipe
from workbench.params import Described, describe

__all__ = ["draw"]

_FIRST = ("losses", "soft_text", "soft_image", "modality_bias", "steps", "batch", "seed")
"""What a person changes between trainings; the rest is folded away."""

_OF = "train"


def draw() -> None:
    """Draw the form; the training that is asked for becomes the one that is shown."""
    infos = api().trainable()
    if not infos:
        st.info(
            "No dataset has images with captions yet: import one to train on.",
            icon=":material/notes:",
        )
        nav.link("datasets", "Import", icon=":material/add_photo_alternate:")
        return
    info = pickers.dataset(infos)
    st.caption(
        f"{info.items:,} images, {info.captions:,} captions; a tenth, at most 256, held out."
    )
    name = st.text_input(
        "Name of the model",
        _free(info.name),
        key="name",
        bind="query-params",
        help="What it is called on every page once it is trained.",
    )
    options = _options()
    st.button(
        "Train",
        key="train",
        type="primary",
        icon=":material/model_training:",
        width="stretch",
        disabled=not str(name).strip(),
        on_click=_submit,
        args=(info.name, str(name).strip(), options),
    )
    st.caption(
        ":material/menu_book: Mustafa et al., Multimodal Contrastive Learning with LIMoE "
        "(NeurIPS 2022). The same recipe gives the same numbers on the CPU."
    )


def _free(dataset: str) -> str:
    """A name that no model has yet."""
    taken = {model.name for model in api().models()}
    name = f"{dataset[:50]}-limoe"
    numbered = (f"{name}-{nth}" for nth in range(2, len(taken) + 3))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def _options() -> dict[str, Any]:
    """The recipe; soft minima only where a loss asks for them."""
    known = {each.name: each for each in describe(Recipe)}
    found: dict[str, Any] = {"losses": fields.field(_OF, known["losses"])}
    dense = found["losses"] == "dense"
    idle = {"soft_text", "soft_image"} if found["losses"] in ("classic", "none", "local") else set()
    idle |= {"soft_text", "soft_image"} if dense else set()
    found |= _columns([known[name] for name in _FIRST[1:] if name not in idle])
    with st.expander("Model, room and rate", key="train.more"):
        rest = [each for each in known.values() if each.name not in _FIRST]
        mixed = ("experts", "top_k", "stride", "capacity_factor", "priority")
        found |= _columns([each for each in rest if not dense or each.name not in mixed])
        context = st.number_input(
            "Context",
            4,
            256,
            CONTEXT,
            key="train.context",
            bind="query-params",
            help="Tokens a caption may have, with start and end mark; the rest is cut off.",
        )
    return found | {"context": int(context)}


def _columns(shown: list[Described]) -> dict[str, Any]:
    """Fields in two columns, row by row."""
    found = {}
    for at in range(0, len(shown), 2):
        columns = st.columns(2, gap="small", vertical_alignment="bottom")
        for column, each in zip(columns, shown[at : at + 2], strict=False):
            with column:
                found[each.name] = fields.field(_OF, each)
    return found


def _submit(dataset: str, name: str, options: dict[str, Any]) -> None:
    with guarded():
        job = api().submit_training(dataset, name, **options)
        api().ensure_worker()
        key = next(run.key for run in api().trainings() if run.job == job.id)
        url.write(training=key)
        st.toast(f"Queued: {plain(job.title)}", icon=":material/schedule:")
