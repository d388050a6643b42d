"""How far confidence can be believed: accuracy in each bin of confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["reliability_diagram"]


def reliability_diagram(
    bins: Mapping[str, Sequence[tuple[float, float, float, int]]],
) -> go.Figure:
    """Accuracy against mean confidence, a line a variant; on the diagonal they agree.

    The first trace is the diagonal, without customdata; then one trace a variant, one point a bin
    that holds images; customdata is [variant, lower edge, upper edge, images].

    Args:
        bins: variant (``raw``, ``scaled`` ...) -> for each bin from 0 to 1 in equal widths
            (mean confidence, accuracy, share of all images, images).
    """
    made = style.figure(height=340, showlegend=True)
    made.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dot", "width": 1, "color": "#808792"},
        hoverinfo="skip",
        showlegend=False,
    )
    for nth, (name, found) in enumerate(bins.items()):
        width = 1 / max(1, len(found))
        kept = [(i, *each) for i, each in enumerate(found) if each[3]]
        largest = max((each[3] for each in kept), default=0) or 1.0
        made.add_scatter(
            x=[confidence for _, confidence, _, _, _ in kept],
            y=[accuracy for _, _, accuracy, _, _ in kept],
            name=style.plain(name),
            mode="lines+markers",
            line={"color": style.model_colour(nth), "width": 2},
            marker={"size": [6 + 14 * (share / largest) ** 0.5 for _, _, _, share, _ in kept]},
            customdata=[[name, i * width, (i + 1) * width, n] for i, _, _, _, n in kept],
            hovertext=[
                f"{style.plain(name)}<br>confidence {style.share(confidence)}<br>"
                f"accuracy <b>{style.share(accuracy)}</b><br>{style.count(n)} images"
                for _, confidence, accuracy, _, n in kept
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    made.update_xaxes(title_text="confidence", range=[0, 1], tickformat=".0%")
    made.update_yaxes(title_text="accuracy", range=[0, 1], tickformat=".0%")
    return made
