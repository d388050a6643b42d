"""One decision taken apart: what each prompt adds to the score of a class."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from workbench.plots import style

__all__ = ["margin_bars", "prompt_bars"]

_FOR, _AGAINST = "#0072B2", "#D55E00"


def prompt_bars(texts: Sequence[str], contributions: Sequence[float]) -> go.Figure:
    """What each prompt contributes to one class's score, the largest at the top.

    One trace, one bar a prompt; customdata is [place of the prompt in the arguments, contribution].

    Args:
        texts: the prompts of the class.
        contributions: as many numbers, in units of the logit; they sum to the score.
    """
    return _bars(texts, contributions, "contribution to the logit")


def margin_bars(texts: Sequence[str], true: Sequence[float], other: Sequence[float]) -> go.Figure:
    """What each template adds to the margin of the true class over the predicted one.

    One trace, one bar a template, those for the true class to the right; customdata is [place of
    the template in the arguments, difference].

    Args:
        texts: the templates.
        true: what each adds to the logit of the true class.
        other: what each adds to the logit of the predicted class.
    """
    gaps = [mine - theirs for mine, theirs in zip(true, other, strict=True)]
    return _bars(texts, gaps, "contribution to the margin (logit)")


def _bars(texts: Sequence[str], values: Sequence[float], title: str) -> go.Figure:
    order = sorted(range(len(texts)), key=lambda i: values[i])
    made = style.figure(height=max(140, 60 + 24 * len(order)), bargap=0.25)
    made.add_bar(
        orientation="h",
        x=[values[i] for i in order],
        y=[str(i) for i in order],
        marker={"color": [_FOR if values[i] >= 0 else _AGAINST for i in order]},
        customdata=[[i, values[i]] for i in order],
        hovertext=[f"{style.plain(texts[i])}<br><b>{values[i]:+.4f}</b>" for i in order],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    made.update_xaxes(title_text=title, showgrid=True, zeroline=True)
    made.update_yaxes(
        type="category",
        tickmode="array",
        tickvals=[str(i) for i in order],
        ticktext=[style.plain(style.short(texts[i], 44)) for i in order],
        showgrid=False,
    )
    return made
