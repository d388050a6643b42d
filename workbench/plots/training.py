"""How a training of a sparse model goes: losses, retrieval, and what its routers do."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from workbench.experts.film import Film
from workbench.plots import style
from workbench.plots.film import Curve, curves, modality_curves
from workbench.types import Rows

__all__ = [
    "apart_curves",
    "balance_curves",
    "entropy_curves",
    "entropy_loss_curves",
    "kept_curves",
    "loss_curves",
    "retrieval_curves",
    "z_curves",
]

_POINTS = 600
"""Most points of a curve; of a longer training evenly spaced ones are drawn."""

_BALANCE = {"importance": "importance", "load": "load"}
_ENTROPIES = {
    "local_image": "local, image",
    "local_text": "local, text",
    "global_image": "global, image",
    "global_text": "global, text",
}
"""Losses of the routers in the order of the legend, unweighted."""


def loss_curves(film: Film) -> go.Figure:
    """The loss that is lowered, and the contrastive part of it, over the steps.

    One trace each, a point a step whose loss was told, customdata [step].
    """
    titles = {"loss": "all losses", "contrastive": "contrastive"}
    colours = (style.model_colour(4), style.model_colour(0))
    at = _thinned(len(film.trained))
    found = {
        title: Curve(film.losses[name][at].tolist(), colour)
        for (name, title), colour in zip(titles.items(), colours, strict=True)
        if name in film.losses
    }
    return _lined(curves(film.trained[at].tolist(), found, title="loss of a batch"))


def balance_curves(film: Film) -> go.Figure:
    """How unevenly probability and expected tokens lie on the experts; 0 is even, E - 1 one."""
    return _told(film, _BALANCE, "squared coefficient of variation")


def entropy_loss_curves(film: Film) -> go.Figure:
    """Local entropy, and by how much the average falls short of its soft minimum, in nats."""
    return _told(film, _ENTROPIES, "entropy losses, nats")


def z_curves(film: Film) -> go.Figure:
    """Mean squared log-partition of the routers' logits: how large these have grown."""
    return _told(film, {"z": "z"}, "z-loss")


def _told(film: Film, names: Mapping[str, str], title: str) -> go.Figure:
    """Unweighted losses of the routers; those of weight 0 are drawn too."""
    at = _thinned(len(film.trained))
    found = {
        words: Curve(film.losses[name][at].tolist(), _colour(name), int(name.startswith("global")))
        for name, words in names.items()
        if name in film.losses
    }
    return _lined(curves(film.trained[at].tolist(), found, title=title))


def _colour(name: str) -> str:
    if name.endswith("text"):
        return style.TEXT_COLOUR
    if name.endswith("image"):
        return style.IMAGE_COLOUR
    return style.model_colour({"importance": 0, "load": 1}.get(name, 4))


def retrieval_curves(film: Film) -> go.Figure:
    """Share of the held-out pairs whose partner is the nearest of all, and what chance gives.

    One trace a direction, a point a look, customdata [step].
    """
    at = _thinned(len(film.steps))
    found = {
        "image to text": Curve(film.image_to_text[at].tolist(), style.IMAGE_COLOUR),
        "text to image": Curve(film.text_to_image[at].tolist(), style.TEXT_COLOUR),
    }
    chance = {"chance": 1 / film.pairs} if film.pairs else {}
    title = f"R@1 among {film.pairs:,}" if film.pairs else "R@1"
    return curves(film.steps[at].tolist(), found, title=title, lines=chance, percent=True)


def entropy_curves(film: Film) -> go.Figure:
    """Mean entropy of a token's routing, in nats, by layer and modality; undecided is ln E."""
    experts = film.hard.shape[2]
    most = {f"undecided: ln {experts}": math.log(experts)} if experts > 1 else {}
    at = _thinned(len(film.steps))
    found = modality_curves(film.layers.tolist(), film.local[at])
    return curves(film.steps[at].tolist(), found, title="entropy of a token's routing", lines=most)


def kept_curves(film: Film) -> go.Figure:
    """Share of tokens that found room in their expert, by layer and modality."""
    at = _thinned(len(film.steps))
    found = modality_curves(film.layers.tolist(), film.kept[at])
    return curves(film.steps[at].tolist(), found, title="tokens kept", percent=True, top=1.02)


def apart_curves(film: Film) -> go.Figure:
    """Jensen-Shannon divergence of image and text over experts, in bits, by layer."""
    at = _thinned(len(film.steps))
    apart = film.jsd[at]
    found = {
        f"block {layer}": Curve(apart[:, place].tolist(), style.model_colour(place))
        for place, layer in enumerate(film.layers.tolist())
    }
    return curves(film.steps[at].tolist(), found, title="divergence, bits", top=1.02)


def _thinned(count: int) -> Rows:
    """Which of so many points to draw: all, or evenly spaced ones with both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, _POINTS)).round().astype(np.int64))


def _lined(made: go.Figure) -> go.Figure:
    """Many points: lines alone."""
    made.update_traces(mode="lines")
    return made
