"""Which recordings and which expert the page Experts shows, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import amounts, url
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain, short
from workbench.api import Recording

__all__ = ["beside", "chosen_expert", "facts", "named", "open_expert"]

_NONE = "-"


def beside(recordings: Sequence[Recording], first: Recording) -> Recording | None:
    """Choose a second recording to stand beside the first; None when none is wanted.

    Without a choice in the address, one of another model on the same dataset stands beside it.
    """
    others = {each.key: each for each in recordings if each.key != first.key}
    if not others:
        return None
    rivals = [
        each.key
        for each in others.values()
        if each.dataset == first.dataset and each.model_key != first.model_key
    ]
    names = {key: each.label for key, each in others.items()} | {_NONE: "nothing"}
    order = dict.fromkeys([*(rivals[:1] or [_NONE]), *names])
    chosen = addressed("Beside it", {key: names[key] for key in order}, param="beside")
    return others.get(chosen)


def facts(recording: Recording) -> str:
    """What a recording rests on, in a line of Markdown."""
    inputs, tokens = recording.inputs, recording.tokens
    blocks = ", ".join(map(str, recording.layers))
    parts = [
        f"{amounts.count(recording.experts)} experts in "
        f"{'block' if len(recording.layers) == 1 else 'blocks'} {blocks}, "
        f"{'one' if recording.top_k == 1 else recording.top_k} for a token",
        " and ".join(
            f"{amounts.noun(inputs[side], side)} ({amounts.count(tokens[side])} tokens)"
            for side in ("image", "text")
            if inputs.get(side)
        ),
        _room(recording),
        *_bias(recording.model_key),
    ]
    words = " · ".join(part for part in parts if part)
    return words if recording.current else f"{words} · the dataset has changed since"


def _room(recording: Recording) -> str:
    if recording.capacity_factor is None:
        free = recording.flags.get("dropless", True)
        return "every token finds room" if free else "room as the model itself gives it"
    return (
        f"capacity factor {recording.capacity_factor:g} in groups of "
        f"{amounts.count(recording.batch)} pairs"
    )


def _bias(model: str) -> list[str]:
    """Whether the model is told the modality of its tokens; nothing when it was removed."""
    if all(each.key != model for each in api().models()):
        return []
    found = api().mixtures(model)
    if found is None:
        return []
    return ["with a modality bias" if found.modality_bias else "without a modality bias"]


def chosen_expert(recording: Recording) -> tuple[int, int] | None:
    """(layer, expert) that the address names, if the recording has it."""
    layer, expert = url.read_int("layer", -1), url.read_int("expert", -1)
    if layer in recording.layers and 0 <= expert < recording.experts:
        return layer, expert
    return None


def open_expert(layer: int, expert: int, *, of: str | None = None, whole: bool = False) -> None:
    """Choose an expert; for callbacks.

    Args:
        layer: number of its block.
        expert: its number.
        of: key of the recording; the one that is looked at when None.
        whole: also turn to the tab of one expert.
    """
    st.session_state.pop("page", None)
    url.write(layer=layer, expert=expert, page=None)
    if of is not None:
        url.write(of=of)
    if whole:
        st.session_state["tab"] = "An expert"


def named(recording: Recording) -> str:
    """The model of a recording as a heading; Markdown."""
    return plain(short(recording.model, 40))
