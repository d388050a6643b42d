"""What the routers thought of one token, layer by layer, and the way it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["Step", "token_path"]

_TALL = 108
_ROOM = 0.78
"""Height of the tallest bar, in the room of 1 that a layer has."""

_LEAST = 0.3
"""A bar of this probability or less is never the tallest, so that an undecided router looks so."""


@dataclass(frozen=True)
class Step:
    """One token at one mixture.

    Args:
        layer: number of the block.
        probs: E probabilities; empty where the router has none, then the gates are drawn.
        experts: the chosen ones, best first.
        gates: their weights.
        kept: which of them had room.
        usual: E mean probabilities of all tokens of its modality; empty when unknown.
    """

    layer: int
    probs: Sequence[float]
    experts: Sequence[int]
    gates: Sequence[float]
    kept: Sequence[bool]
    usual: Sequence[float] = ()


def token_path(steps: Sequence[Step], experts: int, *, title: str = "") -> go.Figure:
    """A row of bars a layer, the chosen experts in colour, joined by the token's way downward.

    All layers have one scale, set by the largest probability.

    A short line across a bar's column is what tokens of this kind get there on average. The
    points on the first choices are the last trace, customdata [number of the block, expert].

    Args:
        steps: one a mixture, in the model's order.
        experts: E.
        title: of the horizontal axis; "expert" when empty.
    """
    made = style.figure(
        height=56 + _TALL * len(steps), hovermode="closest", barcornerradius=0, barmode="overlay"
    )
    tallest = max([_LEAST, *(max(_shares(step, experts)) for step in steps)])
    for nth, step in enumerate(steps):
        _bars(made, nth, step, _shares(step, experts), _ROOM / tallest)
        _usual(made, nth, step, _ROOM / tallest)
    _way(made, steps)
    made.update_xaxes(
        title_text=title or "expert",
        range=[-0.6, experts - 0.4],
        tickmode="array",
        tickvals=list(range(experts)),
        showgrid=False,
    )
    made.update_yaxes(
        range=[len(steps) + 0.14, 0],
        tickmode="array",
        tickvals=[nth + 1 for nth in range(len(steps))],
        ticktext=[f"block {step.layer}" for step in steps],
        gridcolor=style.tinted("#808792", 0.4),
    )
    return made


def _shares(step: Step, experts: int) -> list[float]:
    if len(step.probs):
        return [float(p) for p in step.probs]
    found = [0.0] * experts
    for expert, gate in zip(step.experts, step.gates, strict=True):
        found[expert] = float(gate)
    return found


def _bars(made: go.Figure, nth: int, step: Step, shares: Sequence[float], scale: float) -> None:
    """Bars that stand on the layer's line; the axis runs downward, so they are drawn upward."""
    experts = len(shares)
    kept = dict(zip(step.experts, step.kept, strict=True))
    word = "probability" if len(step.probs) else "gate"
    made.add_bar(
        x=list(range(experts)),
        y=[-scale * share for share in shares],
        base=[nth + 1] * experts,
        width=0.72,
        marker={
            "color": [
                style.tinted(style.expert_colour(e), 1 if e in kept else 0.35)
                for e in range(experts)
            ],
            "pattern": {
                "shape": ["" if kept.get(e, True) else "x" for e in range(experts)],
                "fgcolor": "#111111",
                "size": 6,
            },
        },
        text=[f"{share:.2f}" if e in kept else "" for e, share in enumerate(shares)],
        textposition="outside",
        cliponaxis=False,
        constraintext="none",
        textangle=0,
        hovertext=[
            f"<b>expert {e}</b> of block {step.layer}<br>{word} {share:.3f}{_fate(kept.get(e))}"
            for e, share in enumerate(shares)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _fate(kept: bool | None) -> str:
    """What became of a choice; nothing for an expert that was not chosen."""
    if kept is None:
        return ""
    return "<br>chosen" if kept else "<br>chosen, but it had no room: dropped"


def _usual(made: go.Figure, nth: int, step: Step, scale: float) -> None:
    """The mean of all tokens of this kind as a short line at each expert."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for expert, mean in enumerate(step.usual):
        height = nth + 1 - min(1, scale * float(mean))
        xs += [expert - 0.44, expert + 0.44, None]
        ys += [height, height, None]
    if xs:
        line = {"color": "#808792", "width": 2, "dash": "dot"}
        made.add_scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip")


def _way(made: go.Figure, steps: Sequence[Step]) -> None:
    """The first choices joined from layer to layer, as points to be clicked."""
    colours = [style.expert_colour(step.experts[0]) for step in steps]
    made.add_scatter(
        x=[step.experts[0] for step in steps],
        y=[nth + 1 for nth in range(len(steps))],
        mode="lines+markers",
        line={"color": "#808792", "width": 2},
        marker={"size": 13, "color": colours, "line": {"width": 2, "color": "#808792"}},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        customdata=[[step.layer, step.experts[0]] for step in steps],
        hovertext=[
            f"first choice of block {step.layer}: expert {step.experts[0]}" for step in steps
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )
