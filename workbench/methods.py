"""The one register of heads, in the order in which they are shown."""

from __future__ import annotations

from workbench.errors import UnknownName
from workbench.heads import (
    autoclip,
    carprt,
    conse,
    knn,
    linear_probe,
    loki,
    mean,
    ncm,
    real_linear,
    real_prompt,
    roboshot,
    sigmoid,
    similarity,
    tip_adapter,
    zlap,
    zlap_inductive,
    zpe,
)
from workbench.method import Method

__all__ = ["METHODS", "method"]

METHODS: tuple[Method, ...] = (
    mean.METHOD,
    similarity.METHOD,
    zpe.METHOD,
    carprt.METHOD,
    autoclip.METHOD,
    sigmoid.METHOD,
    real_prompt.METHOD,
    conse.METHOD,
    loki.METHOD,
    roboshot.METHOD,
    zlap.METHOD,
    zlap_inductive.METHOD,
    ncm.METHOD,
    knn.METHOD,
    linear_probe.METHOD,
    tip_adapter.METHOD,
    real_linear.METHOD,
)


def method(key: str) -> Method:
    """The head of this key.

    Raises:
        UnknownName: there is none.
    """
    for each in METHODS:
        if each.key == key:
            return each
    raise UnknownName("head", key, [each.key for each in METHODS])
