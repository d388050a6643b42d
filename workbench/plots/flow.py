"""The way of tokens from the experts of one layer to those of the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.plots import style
from workbench.plots.expert_matrix import modality_colour
from workbench.plots.expert_shares import MODALITIES

__all__ = ["Stream", "agreement_bars", "rest", "sankey", "streams"]

_OTHER = -1
"""Stands for all experts that a remainder goes to."""


@dataclass(frozen=True)
class Stream:
    """Tokens of one modality that go from one expert to one of the next layer.

    Args:
        layer: block number they come from.
        following: block number they go to.
        modality: 0 image, 1 text.
        source: expert.
        target: expert; -1: the remainder, all others.
        tokens: how many.
        share: of the modality's tokens between these two layers, in [0, 1].
    """

    layer: int
    following: int
    modality: int
    source: int
    target: int
    tokens: float
    share: float


def streams(layers: Sequence[int], counts: NDArray[Any], *, most: int = 24) -> list[Stream]:
    """The largest streams of each modality between neighbouring layers, and the remainders.

    Args:
        layers: L block numbers.
        counts: (L - 1, 2, E, E), tokens from the row's expert to the column's.
        most: of each modality between two layers that are kept; the others of each source are
            added up to one remainder with target -1.

    Returns:
        layer by layer, image before text, the largest first and remainders last.
    """
    found = []
    for at, (layer, following) in enumerate(pairwise(layers)):
        for modality in range(2):
            cells = np.asarray(counts[at, modality], dtype=np.float64)
            total = float(cells.sum())
            if total <= 0:
                continue
            order = np.argsort(-cells, axis=None, kind="stable")[:most]
            kept = np.zeros(cells.shape, dtype=bool)
            kept.flat[order] = True
            kept &= cells > 0
            wheres = [divmod(int(each), cells.shape[1]) for each in order]
            named = [(s, t, float(cells[s, t])) for s, t in wheres if cells[s, t] > 0]
            left = np.where(kept, 0.0, cells).sum(axis=1)
            named += [(s, _OTHER, float(n)) for s, n in enumerate(left) if n > 0]
            found += [
                Stream(int(layer), int(following), modality, s, t, n, n / total)
                for s, t, n in named
            ]
    return found


def rest(found: Sequence[Stream]) -> float:
    """Mean share of the tokens that is not drawn expert by expert."""
    groups = {(each.layer, each.modality) for each in found}
    left = sum(each.share for each in found if each.target == _OTHER)
    return left / len(groups) if groups else 0.0


def sankey(
    layers: Sequence[int], found: Sequence[Stream], index: NDArray[Any], order: NDArray[Any]
) -> go.Figure:
    """Streams as bands: blue of images, vermilion of text, each modality as wide as the other.

    A node is an expert, coloured by its modality index; the node "others" of a layer takes the
    remainders, and what comes out of experts that only remainders lead to starts anew.

    Args:
        layers: L block numbers.
        found: from ``streams``.
        index: (L, E), modality index of the experts.
        order: int (L, E), the experts from top to bottom.
    """
    row_of = {int(layer): row for row, layer in enumerate(layers)}
    nodes: dict[tuple[int, int], int] = {}
    for each in found:
        for node in ((each.layer, each.source), (each.following, each.target)):
            nodes.setdefault(node, len(nodes))
    weight = dict.fromkeys(nodes, 0.0)
    for each in found:
        weight[each.layer, each.source] += each.share
        weight[each.following, each.target] += each.share
    x, y = _where(nodes, row_of, order, weight)
    made = style.figure(height=max(420, 34 * index.shape[1] + 120))
    made.add_sankey(
        arrangement="snap",
        node={
            "label": [_named(node) for node in nodes],
            "color": [_colour(node, row_of, index) for node in nodes],
            "x": x,
            "y": y,
            "pad": 14,
            "thickness": 16,
            "line": {"width": 0},
            "customdata": [[layer, expert] for layer, expert in nodes],
            "hovertemplate": "block %{customdata[0]}, %{label}<extra></extra>",
        },
        link={
            "source": [nodes[each.layer, each.source] for each in found],
            "target": [nodes[each.following, each.target] for each in found],
            "value": [each.share for each in found],
            "color": [style.tinted(MODALITIES[each.modality][1], 0.38) for each in found],
            "customdata": [_said(each) for each in found],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    )
    spots = [row_of[int(layer)] / max(1, len(layers) - 1) for layer in layers]
    made.update_layout(
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        annotations=[
            {
                "x": spot,
                "y": 1.0,
                "yshift": 24,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left" if spot == 0 else "right" if spot == 1 else "center",
                "showarrow": False,
                "text": f"<b>block {layer}</b>",
            }
            for spot, layer in zip(spots, layers, strict=True)
        ],
    )
    return made


def _where(
    nodes: dict[tuple[int, int], int],
    row_of: dict[int, int],
    order: NDArray[Any],
    weight: dict[tuple[int, int], float],
) -> tuple[list[float], list[float]]:
    """Places of the nodes: a column a layer, experts of images on top, the remainder below."""
    columns: dict[int, list[tuple[int, int]]] = {}
    for node in nodes:
        columns.setdefault(row_of[node[0]], []).append(node)
    across = max(1, len(row_of) - 1)
    x, y = [0.0] * len(nodes), [0.0] * len(nodes)
    for row, members in columns.items():
        rank = {int(expert): at for at, expert in enumerate(order[row])}
        members.sort(key=lambda node: rank.get(node[1], len(rank)))
        total = sum(weight[node] for node in members) or 1.0
        above = 0.0
        for node in members:
            part = weight[node] / total
            # exactly 0 and 1 mean "not said" to plotly
            x[nodes[node]] = min(0.999, max(0.001, row / across))
            y[nodes[node]] = min(0.999, max(0.001, above + part / 2))
            above += part
    return x, y


def _named(node: tuple[int, int]) -> str:
    return "others" if node[1] == _OTHER else f"expert {node[1]}"


def _colour(node: tuple[int, int], row_of: dict[int, int], index: NDArray[Any]) -> str:
    layer, expert = node
    return "#8A8F98" if expert == _OTHER else modality_colour(float(index[row_of[layer], expert]))


def _said(each: Stream) -> str:
    name = MODALITIES[each.modality][0]
    target = "any other expert" if each.target == _OTHER else f"expert {each.target}"
    return (
        f"block {each.layer} expert {each.source} → block {each.following} {target}<br>"
        f"<b>{style.share(each.share)}</b> of {name} tokens ({style.count(each.tokens)})"
    )


def agreement_bars(
    layers: Sequence[int], own: Sequence[float], other: Sequence[float]
) -> go.Figure:
    """How alike an image and its caption are routed, beside images with another's caption.

    Two traces, its own caption and shuffled captions; one point a layer, customdata [layer].

    Args:
        layers: L block numbers.
        own: (L,), agreement with its own caption in [0, 1].
        other: (L,), with captions of other images.
    """
    made = style.figure(height=250, showlegend=True, bargap=0.35, bargroupgap=0.08)
    groups = (
        ("its own caption", own, style.model_colour(0)),
        ("captions of other images", other, "#8A8F98"),
    )
    for words, values, colour in groups:
        made.add_bar(
            x=[f"block {layer}" for layer in layers],
            y=list(values),
            name=words,
            marker={"color": colour, "line": {"width": 0}},
            customdata=[[int(layer)] for layer in layers],
            hovertemplate=f"{words}: <b>%{{y:.3f}}</b><extra></extra>",
        )
    made.update_yaxes(title_text="agreement of experts", rangemode="tozero", nticks=6)
    return made
