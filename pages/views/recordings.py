"""Recordings of routing as read: choosing one, and making one where there is none."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, nav
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain
from pages.views import countings
from workbench.api import Recording
from workbench.types import DatasetInfo, ModelInfo

__all__ = ["all_of_them", "facts", "make", "nothing_yet", "pick", "running", "with_experts"]

_KIND = "record-routing"
_WHAT = (
    "A **recording** is a model's routing written down: for every patch of every image and every "
    "word of every caption, which expert each layer sent it to, how sure its router was, and "
    "whether the expert had room."
)


def all_of_them() -> list[Recording]:
    """Every recording, those of whole datasets before those of a part, newest first."""
    return sorted(api().recordings(), key=lambda each: each.limit is not None)


def pick(
    found: Sequence[Recording], *, param: str = "recording", label: str = "Recording", nth: int = 0
) -> Recording:
    """Choose one of the recordings (there must be one); its key is in the address.

    Args:
        found: to choose from.
        param: address parameter that holds the key.
        label: of the box.
        nth: which is chosen when the address names none.
    """
    first = found[min(nth, len(found) - 1)]
    by_key = {first.key: first} | {each.key: each for each in found}
    return by_key[addressed(label, {key: each.label for key, each in by_key.items()}, param=param)]


def facts(recording: Recording) -> str:
    """What a recording rests on, in a sentence; Markdown."""
    inputs, tokens = recording.inputs, recording.tokens
    parts = [
        f"{amounts.noun(inputs[side], side)} ({amounts.count(tokens[side])} tokens)"
        for side in ("image", "text")
        if inputs.get(side)
    ]
    blocks = ", ".join(map(str, recording.layers))
    words = (
        f"{' and '.join(parts)} of {plain(recording.dataset)} · {recording.experts} experts in "
        f"{'block' if len(recording.layers) == 1 else 'blocks'} {blocks} · "
        f"{recording.top_k} a token"
    )
    return words if recording.current else f"{words} · the dataset has changed since"


def with_experts() -> list[ModelInfo]:
    """The registered models that are mixtures of experts."""
    return [model for model in api().models() if api().mixtures(model.key) is not None]


def nothing_yet() -> None:
    """What stands on a page that needs a recording while there is none."""
    st.info(f"{_WHAT} None is made yet.", icon=":material/hub:")
    make(key="recordings")


def make(*, key: str) -> None:
    """A model with experts, a dataset, and the button that records one over the other.

    Args:
        key: unique on the page.
    """
    models = with_experts()
    datasets = [info for info in api().datasets() if info.items]
    if not models:
        _no_experts()
    elif not datasets:
        st.caption("There is no dataset yet to record them on.")
        nav.link("datasets", "Import one", icon=":material/add_photo_alternate:")
    else:
        _form(models, datasets, key)
    running(key=f"{key}.jobs")


def _no_experts() -> None:
    """No registered model has routers: where to get one, and what to ask of the others."""
    known = len(api().models())
    waiting = api().sample_experts()
    if waiting:
        st.caption(
            f"The sample world has {amounts.noun(len(waiting), 'model')} with experts that this "
            f"workspace does not know yet: {plain(', '.join(waiting))}."
        )
        st.button(
            "Register them and record their routing" if len(waiting) > 1 else "Register and record",
            key="recordings.sample",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_sample,
        )
        return
    words = f"None of the {amounts.noun(known, 'model')} here has routers" if known else "No model"
    st.caption(
        f"{words}{'' if known else ' is registered'}. Register a LIMoE bundle or train one; what "
        "models without experts do with images and texts is on the page Modality gap."
    )
    with st.container(horizontal=True, gap="small"):
        nav.link("models", "Register or train a LIMoE", icon=":material/deployed_code:")
        if nav.has("modality"):
            nav.link("modality", "Modality gap", icon=":material/compare:")


def _sample() -> None:
    with guarded():
        api().queue_sample_experts()
        api().ensure_worker()


def _form(models: Sequence[ModelInfo], datasets: Sequence[DatasetInfo], key: str) -> None:
    captioned = sorted(datasets, key=lambda info: not info.captions)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        model = st.selectbox("Model", [each.name for each in models], key=f"{key}.model", width=240)
        dataset = st.selectbox(
            "Dataset",
            [info.name for info in captioned],
            key=f"{key}.dataset",
            width=200,
            help="Its images, and the first caption of each.",
        )
        drops = st.toggle(
            "Drop tokens",
            value=True,
            key=f"{key}.drops",
            help="As in training: an expert takes only its share of a batch, times the capacity "
            "factor; tokens beyond that pass by. Off: every token reaches its expert, as when the "
            "model encodes.",
        )
        st.button(
            "Record its routing",
            key=f"{key}.record",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_submit,
            args=(str(dataset), str(model), bool(drops)),
        )


def _submit(dataset: str, model: str, drops: bool) -> None:
    with guarded():
        api().submit_recording(dataset, model, capacity_factor="own" if drops else None)
        api().ensure_worker()


def running(*, key: str) -> bool:
    """Draw the recordings on their way, and the last when it did not succeed.

    Returns:
        whether one is on its way.
    """
    return countings.running(lambda job: job.kind == _KIND, key=key)
