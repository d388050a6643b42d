"""What switching experts off breaks: beside random experts, group by group, and by load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.plots import style
from workbench.plots.expert_matrix import MODALITY_SCALE

__all__ = ["Group", "Single", "beside_random", "group_damage", "load_and_effect"]

_GREY = "#808792"
_LOSS, _GAIN = style.MODEL_COLOURS[1], style.MODEL_COLOURS[0]
_ROW, _BAR = 44, 24
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "star", "hexagon")


@dataclass(frozen=True)
class Group:
    """Images of one class or value.

    Args:
        place: its number.
        name: what it is called.
        n: images.
        before: share answered rightly with all experts.
        after: without some.
        fixed: images only answered rightly without them.
        broken: images only answered rightly with them.
        q: adjusted p-value of the change.
    """

    place: int
    name: str
    n: int
    before: float
    after: float
    fixed: int
    broken: int
    q: float


@dataclass(frozen=True)
class Single:
    """One expert that was switched off alone.

    Args:
        layer: number of its block.
        expert: its number.
        image_load: share of image tokens that choose it.
        text_load: share of text tokens that choose it.
        effect: of switching it off, whatever is drawn.
        index: causal index in [-1, 1]; NaN where it does next to nothing.
    """

    layer: int
    expert: int
    image_load: float
    text_load: float
    effect: float
    index: float


def beside_random(
    titles: Sequence[str],
    effects: Sequence[float],
    controls: Sequence[Sequence[float]],
    *,
    shares: bool,
) -> go.Figure:
    """A line a figure: the experts that were switched off as a disc, random others as rings.

    Args:
        titles: m names, drawn from the top.
        effects: m effects of the experts asked about.
        controls: m lists of effects of random experts; may be empty.
        shares: effects are differences of shares, shown in percentage points.
    """
    made = style.figure(height=_ROW * len(titles) + 70, showlegend=True, hovermode="closest")

    def said(value: float) -> str:
        return f"{100 * value:+.1f} points" if shares else f"{value:.4f}"

    rings = [(row, value) for row, values in enumerate(controls) for value in values]
    scale = 100 if shares else 1
    made.add_scatter(
        x=[scale * value for _, value in rings],
        y=[row for row, _ in rings],
        mode="markers",
        name="as many random experts",
        marker={"size": 10, "color": "rgba(0,0,0,0)", "line": {"width": 1.5, "color": _GREY}},
        hovertext=[f"{titles[row]}<br><b>{said(value)}</b>, random" for row, value in rings],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.add_scatter(
        x=[scale * value for value in effects],
        y=list(range(len(titles))),
        mode="markers",
        name="switched off",
        marker={"size": 14, "color": _LOSS},
        hovertext=[
            f"{title}<br><b>{said(value)}</b>" for title, value in zip(titles, effects, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.add_vline(x=0, line={"color": _GREY, "width": 1, "dash": "dot"})
    made.update_xaxes(title_text="change, percentage points" if shares else "shift, mean 1 - cos")
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(titles))),
        ticktext=list(titles),
        range=[len(titles) - 0.5, -0.5],
        showgrid=False,
    )
    return made


def group_damage(groups: Sequence[Group], chosen: int | None = None) -> go.Figure:
    """A bar a group, named with its images, from its share right before to the one after.

    Bars stand in the order given; customdata of each, and of its mark, is [place of the group].

    Args:
        groups: the worst first.
        chosen: place of the group that is marked.
    """
    made = style.figure(height=_BAR * max(3, len(groups)) + 50, bargap=0.25)
    lost = [each.after < each.before for each in groups]
    marked = [each.place == chosen for each in groups]
    made.add_bar(
        orientation="h",
        y=list(range(len(groups))),
        base=[each.before for each in groups],
        x=[each.after - each.before for each in groups],
        marker={
            "color": [_LOSS if each else _GAIN for each in lost],
            "line": {"width": [2.5 if each else 0 for each in marked], "color": _GREY},
        },
        customdata=[[each.place] for each in groups],
        hovertext=[_told(each) for each in groups],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.add_scatter(
        x=[each.before for each in groups],
        y=list(range(len(groups))),
        mode="markers",
        marker={"symbol": "line-ns", "size": 14, "line": {"width": 2, "color": _GREY}},
        customdata=[[each.place] for each in groups],
        hovertext=[_told(each) for each in groups],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.update_xaxes(
        title_text="share right: from all experts (mark) to without", tickformat=".0%",
        range=[-0.03, 1.03],
    )  # fmt: skip
    made.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(groups))),
        ticktext=[
            f"{style.plain(style.short(each.name, 22))} ({style.count(each.n)})" for each in groups
        ],
        autorange="reversed",
        showgrid=False,
        ticklabelstandoff=6,
    )
    return made


def _told(group: Group) -> str:
    known = "" if math.isnan(group.q) else f"<br>q = {group.q:.2g}"
    return (
        f"<b>{style.plain(style.short(group.name, 80))}</b>, n = {style.count(group.n)}<br>"
        f"{style.share(group.before)} before, {style.share(group.after)} after<br>"
        f"{style.count(group.broken)} broken, {style.count(group.fixed)} fixed{known}"
    )


def load_and_effect(
    singles: Sequence[Single], title: str, *, shares: bool, chosen: tuple[int, int] | None = None
) -> go.Figure:
    """Every expert: how much it carries, and what switching it off alone does.

    A trace a block; customdata of a point is [block, expert]. Colour is the causal index from
    images (blue) over both to texts (vermilion); hollow where the expert moves next to nothing.

    Args:
        singles: experts.
        title: of the effect.
        shares: effects are differences of shares, shown in percentage points.
        chosen: (block, expert) that is marked.
    """
    made = style.figure(height=420, showlegend=True, hovermode="closest")
    for nth, layer in enumerate(sorted({each.layer for each in singles})):
        mine = [each for each in singles if each.layer == layer]
        open_ = [math.isnan(each.index) for each in mine]
        rung = [chosen == (each.layer, each.expert) for each in mine]
        made.add_scatter(
            x=[100 * (each.image_load + each.text_load) / 2 for each in mine],
            y=[each.effect * (100 if shares else 1) for each in mine],
            mode="markers+text",
            name=f"block {layer}",
            text=[str(each.expert) for each in mine],
            textposition="middle right",
            textfont={"size": 11, "color": _GREY},
            marker={
                "size": 15,
                "symbol": [
                    _SYMBOLS[nth % len(_SYMBOLS)] + ("-open" if hollow else "") for hollow in open_
                ],
                "color": [0.0 if math.isnan(each.index) else each.index for each in mine],
                "colorscale": [list(each) for each in MODALITY_SCALE],
                "cmin": -1,
                "cmax": 1,
                "line": {
                    "width": [
                        3 if m else 1.5 if h else 0 for m, h in zip(rung, open_, strict=True)
                    ],
                    "color": _GREY,
                },
            },
            customdata=[[each.layer, each.expert] for each in mine],
            hovertext=[_single(each, shares) for each in mine],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    made.add_hline(y=0, line={"color": _GREY, "width": 1, "dash": "dot"})
    made.update_xaxes(title_text="load: mean share of image and of text tokens, %")
    made.update_yaxes(title_text=title, nticks=6)
    return made


def _single(each: Single, shares: bool) -> str:
    effect = f"{100 * each.effect:+.1f} points" if shares else f"{each.effect:.4f}"
    index = "moves next to nothing" if math.isnan(each.index) else f"causal index {each.index:+.2f}"
    return (
        f"<b>block {each.layer}, expert {each.expert}</b><br>{effect}<br>"
        f"{each.image_load:.1%} of image tokens, {each.text_load:.1%} of text tokens<br>{index}"
    )
