"""The film of a training: experts parting between images and text, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, nav, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain, short
from workbench.api import Film, Recording
from workbench.plots import film as films
from workbench.plots.expert_shares import by_modality
from workbench.plots.style import IMAGE_COLOUR, TEXT_COLOUR, model_colour

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_NONE = "-"
_CURVES = {
    "Divergence": "Jensen-Shannon divergence of image and text in each block: 0 bits when both go "
    "to the same experts, 1 when they share none.",
    "Experts in use": "Effective number of experts of each modality, by the choices made.",
    "Local entropy": "Mean entropy of single tokens in nats: falls as the router becomes sure.",
    "Kept tokens": "Share of tokens that find room at the capacity of training.",
    "Settled": "How far each step's shares of the experts are those of the last step, 0 to 1.",
    "Retrieval": "Recall@1 among the held-out pairs.",
    "Losses": "What was lowered, and its contrastive part.",
}


def draw(recording: Recording, other: Recording | None) -> None:
    """Draw the tab."""
    sources = _sources()
    if not sources:
        st.info(
            "No training was filmed here. A LIMoE that is trained on the page Models, or a bundle "
            "with its training.jsonl, shows how its experts parted.",
            icon=":material/movie:",
        )
        nav.link("models", "Models", icon=":material/deployed_code:")
        return
    shown = _pick(sources, recording, other)
    found = {each.key: _film(each) for each in shown}
    for column, each in zip(st.columns(len(shown), gap="large"), shown, strict=True):
        with column:
            st.subheader(plain(short(each.label, 60)))
            _moving(each, found[each.key])
    _curves(shown, found)


@dataclass(frozen=True)
class _Source:
    """A film: of a registered model, or of a training that is on its way.

    Args:
        key: of the model or of the training.
        label: what it is called.
        training: whether the key is a training's.
    """

    key: str
    label: str
    training: bool = False


def _sources() -> dict[str, _Source]:
    """Every film by key: models first, then trainings that have not become one."""
    models = [_Source(each.key, each.name) for each in api().filmed()]
    runs = [_Source(each.key, each.label, True) for each in api().trainings() if not each.model]
    return {each.key: each for each in [*models, *runs] if _told(_film(each))}


def _told(found: Film | None) -> bool:
    """Whether a film has anything to show; that of a training that was just begun is empty."""
    return found is not None and bool(len(found.steps) or len(found.trained))


def _film(source: _Source) -> Film | None:
    return api().training_film(source.key) if source.training else api().model_film(source.key)


def _pick(
    sources: Mapping[str, _Source], recording: Recording, other: Recording | None
) -> list[_Source]:
    """One film, or two side by side; those of the recordings' models first."""
    first = [each.model_key for each in (recording, other) if each is not None]
    order = [*(key for key in first if key in sources), *sources]
    names = {key: sources[key].label for key in dict.fromkeys(order)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        one = addressed("Training", names, param="training")
        rest = {key: name for key, name in names.items() if key != one}
        rest |= {_NONE: "nothing"}
        two = addressed("Film beside it", rest, param="film")
    return [sources[key] for key in (one, two) if key in sources]


def _moving(source: _Source, found: Film | None) -> None:
    steps = [] if found is None else found.steps.tolist()
    if found is None or not len(found.layers) or not steps:
        st.caption(
            "A dense model has no experts to film."
            if steps
            else "Nothing was looked at yet: the first look comes before the first step."
        )
        return
    at = _at(steps)
    figure = _figure(source.key, len(steps), at, found)
    key = f"film.{source.key}"
    chart(figure, key=key)
    st.caption(
        f"{amounts.noun(found.pairs, 'held-out pair')} at each of "
        f"{amounts.noun(len(steps), 'look')}, by first choice. Experts keep their "
        "places, in the order of the last step."
    )
    figure_export(figure, chart=key, name=f"{source.label}-film", rows=_share_rows(found))


def _at(steps: Sequence[int]) -> int:
    """Place of the look that the address names, else the last."""
    named = url.read_int("step", -1)
    if named < 0:
        return len(steps) - 1
    return min(range(len(steps)), key=lambda at: abs(steps[at] - named))


@st.cache_resource(max_entries=40, show_spinner=False)
def _figure(key: str, looks: int, at: int, _found: Film) -> Figure:
    shares = _found.shares
    order = by_modality(shares[-1])
    return films.film(_found.steps.tolist(), _found.layers.tolist(), shares, order=order, at=at)


def _share_rows(found: Film) -> list[dict[str, Any]]:
    shares = found.shares.tolist()
    return [
        {"step": step, "block": layer, "expert": e, "image": image, "text": text}
        for step, by_layer in zip(found.steps.tolist(), shares, strict=True)
        for layer, by_expert in zip(found.layers.tolist(), by_layer, strict=True)
        for e, (image, text) in enumerate(by_expert)
    ]


def _curves(shown: Sequence[_Source], found: Mapping[str, Film | None]) -> None:
    st.subheader("Over the training")
    kind = st.segmented_control(
        "Curve",
        list(_CURVES),
        default="Divergence",
        required=True,
        key="curve",
        bind="query-params",
        label_visibility="collapsed",
    )
    name = str(kind or "Divergence")
    st.caption(f"{_CURVES[name]} Click a point to see the bars above at that step.")
    for column, each in zip(st.columns(len(shown), gap="large"), shown, strict=True):
        with column:
            _curve(name, each, found[each.key])


def _curve(name: str, source: _Source, found: Film | None) -> None:
    steps, lines = ([], {}) if found is None else _lines(name, found)
    if found is None or not lines:
        st.caption("Nothing to draw.")
        return
    looked = found.steps.tolist()
    marked = looked[_at(looked)] if looked and url.read("step") else None
    figure = films.curves(
        steps,
        lines,
        title=name.lower(),
        at=marked,
        percent=name in ("Kept tokens", "Retrieval"),
        top={"Divergence": 1.03, "Kept tokens": 1.03, "Settled": 1.03}.get(name),
        lines=_thresholds(name, found),
    )

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        url.write(step=int(data[0]) if data else None)

    key = f"curve.{name.split(maxsplit=1)[0].lower()}.{source.key}"
    chart(figure, key=key, on_click=clicked)
    rows = [
        {"step": step, **{words: line.values[at] for words, line in lines.items()}}
        for at, step in enumerate(steps)
    ]
    figure_export(figure, chart=key, name=f"{source.label}-{name.lower()}", rows=rows)


def _lines(name: str, found: Film) -> tuple[list[int], dict[str, films.Curve]]:
    layers = found.layers.tolist()
    steps = found.steps.tolist()
    if name == "Losses":
        kept = [each for each in ("loss", "contrastive") if each in found.losses]
        return found.trained.tolist(), {
            each: films.Curve(found.losses[each].tolist(), model_colour(nth))
            for nth, each in enumerate(kept)
        }
    if name == "Retrieval":
        return steps, {
            "image to text": films.Curve(found.image_to_text.tolist(), IMAGE_COLOUR),
            "text to image": films.Curve(found.text_to_image.tolist(), TEXT_COLOUR),
        }
    if not layers:
        return steps, {}
    if name == "Divergence":
        return steps, {
            f"block {layer}": films.Curve(found.jsd[:, at].tolist(), model_colour(at))
            for at, layer in enumerate(layers)
        }
    values = {
        "Experts in use": lambda: found.effective,
        "Local entropy": lambda: found.local,
        "Kept tokens": lambda: found.kept,
        "Settled": lambda: api().film_settled(found),
    }[name]()
    return steps, films.modality_curves(layers, values)


def _thresholds(name: str, found: Film) -> dict[str, float]:
    experts = found.hard.shape[2]
    if name == "Local entropy" and experts:
        return {f"ln {experts}: all alike": math.log(experts)}
    return {}
