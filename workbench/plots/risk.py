"""What is left of the mistakes when the least confident images are not answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["risk_coverage"]


def risk_coverage(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> go.Figure:
    """Error rate among the most confident images against the share that is answered.

    One trace a run; customdata is [run, coverage].

    Args:
        curves: run -> (coverages, risks), both in [0, 1].
    """
    made = style.figure(height=320, showlegend=len(curves) > 1)
    for nth, (name, (coverage, risk)) in enumerate(curves.items()):
        made.add_scatter(
            x=list(coverage),
            y=list(risk),
            mode="lines",
            name=style.plain(name),
            line={"color": style.model_colour(nth), "width": 2},
            customdata=[[name, each] for each in coverage],
            hovertemplate="%{x:.0%} answered<br>error <b>%{y:.1%}</b><extra></extra>",
        )
    made.update_xaxes(title_text="share of images answered", range=[0, 1], tickformat=".0%")
    made.update_yaxes(title_text="error rate", tickformat=".0%", rangemode="tozero")
    return made
